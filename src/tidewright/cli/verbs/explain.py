"""``explain``: who plays each role and why; with a code, what the code means."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output


@click.command()
@click.argument("name", required=False)
@options.file
@options.environment
@options.output
def command(name: str | None, file: Path, env: str | None, output_form: str) -> None:
    """Say who plays each role in an environment and what is derived from the file.

    With the NAME of a component (kafka, trino, ...), say who plays it, which guides have it, what
    was corrected, and every setting. With a code (the word in brackets at the end of an error, or
    bi), say what it means.
    """
    if name in api.engine_names():
        _engine(str(name), file, env, output_form)
        return
    if name:
        _code(name.strip("[]"), output_form)
        return
    found = api.explain(file, env)
    roles = output.Table(
        ("role", "played by", "as", "licence"),
        [(r.role, r.player, ", ".join(r.runs), r.licence) for r in found.roles],
    )
    why = "\n".join(f"{r.player}: {r.why}." for r in found.roles)
    derived = output.Table(("derived", "name"), [(d.what, d.name) for d in found.derived])
    services = output.Table(
        ("service", "does", "after"), [(n, role, ", ".join(a)) for n, role, a in found.services]
    )
    data = {
        "platform": found.platform,
        "environment": found.environment,
        "roles": found.roles,
        "derived": found.derived,
        "services": [{"name": n, "role": r, "needs": a} for n, r, a in found.services],
        "goals": found.goals,
    }
    head = f"{found.platform}, environment {found.environment}"
    output.emit(data, output_form, [head, roles, why, services, derived])


def _code(code: str, form: str) -> None:
    found = api.explain_code(code)
    text = f"{found.code}: {found.title}\n\n{found.cause}\n\nWhat to do: {found.remedy}"
    output.emit({"code": found}, form, text)


def _engine(name: str, file: Path, env: str | None, form: str) -> None:
    found = api.explain_engine(name, file, env)
    guides = f"In the guides {', '.join(found.guides)}." if found.guides else ""
    corrected = "\n".join(f"Corrected, {one}." for one in found.corrections)
    facts = [
        *found.programs,
        found.java,
        f"About {found.memory_mb} MB of memory" if found.memory_mb else "",
        f"By {found.supplier}; {found.licence}",
    ]
    services = output.Table(
        ("service", "does", "after", "ports"),
        [(s.name, s.does, ", ".join(s.after), ", ".join(s.ports)) for s in found.services],
    )
    head = f"{found.title}, {found.role}, environment {found.environment}\n{found.why}."
    told = "\n".join(f"{fact}." for fact in facts if fact)
    settings = [f"# {one.file}\n{one.text.rstrip()}" for one in found.settings]
    said = [text for text in (head, guides, corrected, told) if text]
    output.emit({"engine": found}, form, [*said, services, *settings])
