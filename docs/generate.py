"""Write docs/reference/ from the code, so that it cannot drift: ``python docs/generate.py``.

``pages`` is pure: path -> text. tests/docs compares it with what is committed. Prose about why
belongs to docs/explanation/, not here.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import click

from tidewright.cli import commands
from tidewright.cli.main import cli
from tidewright.errors import kinds, tables
from tidewright.model import acts, observed
from tidewright.operations.bench.guided import targets
from tidewright.pipelines.decode import types
from tidewright.spec import document

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Made from the code by docs/generate.py (just docs). Do not edit. -->\n"


def pages() -> Mapping[str, str]:
    made = {"cli.md": cli_page, "file.md": file_page, "errors.md": errors_page}
    made |= {"statuses.md": statuses_page, "types.md": types_page, "guide.md": guide_page}
    return {name: finished(page()) for name, page in made.items()}


def finished(lines: Iterator[str]) -> str:
    """One text: no two blank lines in a row, docstrings' double backticks as Markdown's."""
    text = NOTE + "\n" + "\n".join(lines).rstrip() + "\n"
    plain = re.sub(r"(?<!`)``(?!`)", "`", text)
    return re.sub(r"\n{3,}", "\n\n", plain)


# --- The command line


def cli_page() -> Iterator[str]:
    yield from ("# The command line", "", inspect.cleandoc(cli.help or ""), "")
    yield from ("Data goes to stdout, progress and questions to stderr.", "")
    yield from exit_codes()
    for group, title in commands.GROUPS.items():
        names = [name for name, verb in commands.VERBS.items() if verb.group == group]
        if names:
            yield from (f"## {title}", "")
        for name in names:
            yield from verb_section(name)


def exit_codes() -> Iterator[str]:
    yield from ("| exit code | meaning |", "|---|---|", "| 0 | ok |")
    meaning: Mapping[type[kinds.PlatformError], str] = {
        kinds.Bug: "a defect of ours",
        kinds.SpecError: "the file or the command line is wrong",
        kinds.Unsupported: "not possible on this machine or target",
        kinds.Refused: "unsafe or conflicting; nothing was changed",
        kinds.StepFailed: "a step failed",
        kinds.TimedOut: "something did not happen in time",
        kinds.PromiseBroken: "it ran, and a promise did not hold",
    }
    for kind, text in meaning.items():
        yield f"| {kind.exit_code} | {text} |"
    yield ""


def verb_section(name: str) -> Iterator[str]:
    yield from (f"### {name}", "")
    module = commands.VERBS[name].module
    if importlib.util.find_spec(module) is None:
        yield from (commands.VERBS[name].summary, "")
        return
    command: click.Command = importlib.import_module(module).command
    # A context below the tool's own: usage and shared settings are then what a user sees.
    above = click.Context(cli, info_name="tidewright", **cli.context_settings)
    yield from command_section(command, name, above)


def command_section(
    command: click.Command, name: str, above: click.Context, level: str = "###"
) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=above)
    if level != "###":
        yield from (f"{level} {context.command_path.removeprefix('tidewright ')}", "")
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield from ("```text", re.sub(r"\n +", " ", usage), "```", "")
    yield from (paragraphs(command.help or ""), "")
    rows = [r for p in command.get_params(context) if (r := p.get_help_record(context)) and r[1]]
    if rows:
        yield from ("| option | what it does |", "|---|---|")
        yield from (f"| `{cell(option)}` | {cell(text)} |" for option, text in rows)
        yield ""
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            if found := command.get_command(context, child):
                yield from command_section(found, child, context, level + "#")


def paragraphs(text: str) -> str:
    return inspect.cleandoc(text).replace("\b\n", "").replace("\f", "")


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# --- The file


def file_page() -> Iterator[str]:
    yield from ("# platform.yaml", "")
    yield "Every key of the file. `tidewright check` reports everything that is wrong at once."
    yield "An environment under `run` may override any key above it: maps merge, lists replace,"
    yield from ("`null` removes.", "")
    schema = document.Document.model_json_schema()
    definitions: dict[str, Any] = dict(schema.get("$defs", {}))
    environment = document.Environment.model_json_schema()
    definitions |= environment.get("$defs", {})
    yield from model_section("The platform", schema)
    yield from model_section("An environment, under `run`", environment)
    for name in sorted(definitions):
        if "properties" in definitions[name]:
            yield from model_section(name, definitions[name])


def model_section(title: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"## {title}", "", cell(schema.get("description", "")), "")
    yield from ("| key | value | required |", "|---|---|---|")
    required = schema.get("required", ())
    for key, shape in schema.get("properties", {}).items():
        need = "yes" if key in required else default_of(shape)
        yield f"| `{key}` | {cell(kind_of(shape))} | {need} |"
    yield ""


def default_of(shape: Mapping[str, Any]) -> str:
    default = shape.get("default")
    return "no" if default is None or isinstance(default, dict | list) else f"no; `{default}`"


def kind_of(shape: Mapping[str, Any]) -> str:
    """A JSON schema as a phrase."""
    if "$ref" in shape:
        name = shape["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "description" in shape and "properties" not in shape:
        return str(shape["description"])
    if "enum" in shape or "const" in shape:
        values = shape.get("enum", [shape.get("const")])
        return " or ".join(f"`{value}`" for value in values)
    if "anyOf" in shape or "oneOf" in shape:
        options = [s for s in shape.get("anyOf", shape.get("oneOf")) if s.get("type") != "null"]
        return " or ".join(dict.fromkeys(kind_of(option) for option in options))
    if shape.get("type") == "array":
        return f"a list, each {kind_of(shape.get('items', {}))}"
    values = [shape.get("additionalProperties"), *shape.get("patternProperties", {}).values()]
    if named := [value for value in values if isinstance(value, dict)]:
        return f"a map of names, each {kind_of(named[0])}"
    return str(shape.get("type", "any value"))


# --- Errors and statuses


def errors_page() -> Iterator[str]:
    yield from ("# Error codes", "")
    yield "Each message says what is true, where, and what to do, and carries one of these codes."
    yield "Codes are stable; texts may change. `tidewright explain CODE` prints an entry."
    area = ""
    for name, code in tables.all_codes().items():
        if name.partition(".")[0] != area:
            area = name.partition(".")[0]
            yield from ("", f"## {area}")
        yield from ("", f"### {name}", "", f"**{code.title}.** {code.cause}", "", code.remedy)


def statuses_page() -> Iterator[str]:
    yield from ("# Statuses", "")
    yield "What running services say of themselves, and what `verify` answers. Times are epoch"
    yield from ("milliseconds of the machine that wrote them.", "")
    for module in (observed, acts):
        for name, record in inspect.getmembers(module, dataclasses.is_dataclass):
            if getattr(record, "__module__", "") == module.__name__:
                yield from record_section(name, record)


def types_page() -> Iterator[str]:
    """The type map is documented where it is written; the first line there is a title."""
    yield from ("# Types", "", *inspect.cleandoc(types.__doc__ or "").splitlines())


def record_section(name: str, record: Any) -> Iterator[str]:
    yield from (f"## {name}", "", inspect.cleandoc(record.__doc__ or ""), "")
    yield from ("| field | type |", "|---|---|")
    hints = get_type_hints(record)
    for field in dataclasses.fields(record):
        yield f"| `{field.name}` | {type_text(hints[field.name])} |"
    yield ""


def type_text(hint: Any) -> str:
    text = hint.__name__ if isinstance(hint, type) and not hasattr(hint, "__args__") else str(hint)
    for module in ("typing.", "collections.abc.", "tidewright.model.observed.", "NoneType"):
        text = text.replace(module, "None" if module == "NoneType" else "")
    return "`" + text.replace("tidewright.model.acts.", "").replace("|", "\\|") + "`"


# --- The guides' targets


MEASURED = REFERENCE / "guide.json"
GUIDE = """\
A ratio above 1 is better than the target; absolute figures are of that machine at that moment.

Each platform is loaded as fast as it takes rows; then they go on to arrive at the pace of its file
while questions are asked. **Every answer is checked**: one from the marts against a fold in Python
over all rows of the mart in the same snapshot, one from the lake (by DuckDB) against the same over
the rows of that commit as another reader gives them, a call of the catalog against its database and
files. A wrong answer counts as an error. `verify` proves the rows themselves, at the end."""


def guide_page() -> Iterator[str]:
    """What ``bench guide -o json`` wrote, beside the table of targets."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))
    yield from ("# The guides' targets and what is measured", "")
    yield from ("This page is made from the output of `bench guide`. To make it again:", "")
    yield from ("```console", f"$ {found['command']} -o json > docs/reference/guide.json")
    yield from ("$ python docs/generate.py", "```", "")
    yield from (f"Measured on {found['summary']['measured']}.", GUIDE, "")
    for platform in dict.fromkeys(row[0] for row in found["rows"]):
        yield from measured_section(platform, found)
    yield from ("## What does not apply", "", "| platform | target | why |", "|---|---|---|")
    yield from (
        f"| {name} | {target} | {why} |" for (name, target), why in targets.NOT_HERE.items()
    )
    yield from ("", "## What no run on one machine shows", "", "| target | why |", "|---|---|")
    yield from (f"| {name} | {why} |" for name, why in targets.NEVER.items())


def measured_section(platform: str, found: Mapping[str, Any]) -> Iterator[str]:
    told = found["summary"]
    yield from (f"## {platform}", "")
    proof = "exact" if told[f"{platform}: exact"] else "**not exact**"
    loaded, wrong = told[f"{platform}: rows loaded"], told[f"{platform}: wrong answers"]
    yield from (f"{loaded:,} rows loaded; {proof}; wrong answers: {wrong}.", "")
    if problem := told.get(f"{platform}: failed"):
        yield from (f"It could not be measured to the end: {problem}", "")
    yield from ("| target | what | wanted | measured | ratio | answers checked |", "|" + "---|" * 6)
    for _, *cells in (row for row in found["rows"] if row[0] == platform):
        yield "| " + " | ".join("" if cell is None else str(cell) for cell in cells) + " |"
    yield ""


def main() -> int:
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text)
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
