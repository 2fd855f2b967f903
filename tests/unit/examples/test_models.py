"""The models and checks of every example are SQL that both DuckDB and Trino accept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
import sqlglot
from sqlglot import exp

ALL = Path(__file__).parents[3] / "examples"
ENGINES = ("duckdb", "trino")
# What one of the two engines names otherwise parses in both, so it is found by its node.
ONE_ENGINE_ONLY = (exp.Anonymous, exp.JSONExtract, exp.Lateral, exp.Qualify, exp.Pivot)


def _files() -> Iterator[Path]:
    for folder in ("models", "checks"):
        for file in sorted(ALL.glob(f"*/{folder}/**/*.sql")):
            if "macros" not in file.parts:
                yield file


FILES = tuple(_files())


def compiled(file: Path, engine: str) -> str:
    """The SQL that a model becomes for one engine, its macros taken from the project's own."""
    example = ALL / file.relative_to(ALL).parts[0]
    macros = sorted(example.glob("models/macros/*.sql"))
    own = "".join(m.read_text() for m in macros if m.stem != "generate_schema_name")
    names = {
        "source": lambda schema, table: f'"{schema}"."{table}"',
        "ref": lambda model: f'"marts"."{model}"',
        "target": SimpleNamespace(type=engine),
    }
    return jinja2.Template(own + file.read_text()).render(**names)


def for_both(file: Path) -> bool:
    """Whether the text is the same for both: only a macro may write another for each."""
    return len({compiled(file, engine) for engine in ENGINES}) == 1


def _name(file: Path) -> str:
    return f"{file.relative_to(ALL).parts[0]}-{file.stem}"


def test_there_are_models_and_checks() -> None:
    found = {file.relative_to(ALL).parts[0] for file in FILES}
    assert found >= {"bank-cdc", "branching-lakehouse", "elt-lakehouse", "user-events"}
    assert [_name(f) for f in FILES if not for_both(f)] == ["user-events-user_changes"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("file", FILES, ids=_name)
def test_both_engines_parse_it(file: Path, engine: str) -> None:
    tree = sqlglot.parse_one(compiled(file, engine), dialect=engine)
    assert isinstance(tree, exp.Select | exp.Union)
    if for_both(file):
        assert list(tree.find_all(*ONE_ENGINE_ONLY)) == []


@pytest.mark.parametrize("file", [f for f in FILES if for_both(f)], ids=_name)
def test_both_engines_understand_the_same(file: Path) -> None:
    text = compiled(file, "duckdb")
    duckdb, trino = (sqlglot.parse_one(text, dialect=d).sql("duckdb") for d in ENGINES)
    assert duckdb == trino
