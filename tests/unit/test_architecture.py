"""What the linters cannot see: sizes, docstrings, and what an import really loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tidewright"
FILES = sorted(SOURCE.rglob("*.py"))
DATA = {"pyarrow", "duckdb", "pyiceberg", "dbt", "numba", "psycopg", "polars", "sqlalchemy"}
FACES = {"psutil", "starlette", "pydantic", "ruamel", "sqlglot", "jinja2"}


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_by(*modules: str) -> set[str]:
    """Names in ``sys.modules`` of a fresh interpreter after importing."""
    code = f"import sys, {', '.join(modules)}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def packages(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def layers(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("tidewright.")}


def test_importing_the_cli_loads_no_data_library() -> None:
    assert not packages(loaded_by("tidewright.cli.main")) & (DATA | FACES)


def test_importing_the_facade_loads_no_operation() -> None:
    assert layers(loaded_by("tidewright.api")) <= {"api", "errors", "kit", "model"}


@pytest.mark.parametrize("runner", ["worker", "refresh", "workload"])
def test_a_runner_alone_loads_no_component_target_or_file(runner: str) -> None:
    loaded = layers(loaded_by(f"tidewright.pipelines.{runner}.__main__"))
    assert not loaded & {"spec", "components", "targets", "assemble", "operations"}


def test_the_supervisor_alone_loads_no_data_library() -> None:
    assert not packages(loaded_by("tidewright.targets.local.supervisor")) & DATA


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_module_says_what_is_here_and_is_short(path: Path) -> None:
    text = path.read_text()
    doc = ast.get_docstring(ast.parse(text))
    assert doc, "a module opens with what is here, what is not, where to read next"
    assert doc.count("\n") < 30, "the opening is longer than a reader's patience"
    assert text.count("\n") <= 500


def test_no_function_is_over_60_lines() -> None:
    long = [
        f"{module_name(path)}.{node.name}: {length}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > 60
    ]
    assert not long


def test_no_function_takes_more_than_six_parameters() -> None:
    many = [
        f"{module_name(path)}.{node.name}"
        for path in FILES
        if "cli" not in path.parts  # click hands each option over as a parameter
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and len(_parameters(node.args)) > 6
        and not _is_kernel(node)
    ]
    assert not many


def _parameters(arguments: ast.arguments) -> list[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [a.arg for a in every if a.arg not in ("self", "cls")]


def _is_kernel(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """numba compiles arrays, not records, so a compiled kernel may take many."""
    return any("kernel" in ast.unparse(d) or "jit" in ast.unparse(d) for d in node.decorator_list)


def test_no_module_has_a_name_that_decides_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
    assert not [module_name(p) for p in FILES if set(module_name(p).split(".")) & vague]


@pytest.mark.parametrize("backwards", [False, True])
def test_every_module_can_be_imported_whatever_came_before(backwards: bool) -> None:
    """Each alone would take a minute; two opposite orders find a module that leans on another."""
    # What lies in a home/ runs in another program's environment, and is imported by that alone.
    ours = [p for p in FILES if p.stem != "__main__" and p.parent.name != "home"]
    names = sorted((module_name(p) for p in ours), reverse=backwards)
    assert set(names) <= loaded_by(*names)


def test_root_holds_what_it_should_and_nothing_else() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git clone")
    top = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    pages = {"README", "CHANGELOG", "CONTRIBUTING", "STYLE", "SECURITY", "ROADMAP"}
    assert top <= {f"{page}.md" for page in pages} | {
        ".ci", ".gitignore", ".importlinter", ".pre-commit-config.yaml", "LICENSE",
        "deploy", "docs", "examples", "justfile", "pyproject.toml", "requirements-test.lock",
        "requirements.lock", "src", "tests", "tidewright",
    }  # fmt: skip
