"""The shop's models and checks are SQL that both DuckDB and Trino accept."""

from pathlib import Path

import jinja2
import pytest
import sqlglot
from sqlglot import exp

SHOP = Path(__file__).parents[3] / "examples" / "elt-lakehouse"
FILES = sorted([*SHOP.glob("models/silver/*.sql"), *SHOP.glob("models/gold/*.sql")])
CHECKS = sorted(SHOP.glob("checks/*.sql"))
# What one of the two engines names otherwise parses in both, so it is found by its node.
ONE_ENGINE_ONLY = (exp.Anonymous, exp.JSONExtract, exp.Lateral, exp.Qualify, exp.Pivot)


def compiled(file):
    """The SQL that a model becomes, its macros taken from the project's own."""
    macros = (SHOP / "models" / "macros" / "newest.sql").read_text()
    names = {
        "source": lambda schema, table: f'"{schema}"."{table}"',
        "ref": lambda model: f'"shop"."{model}"',
    }
    return jinja2.Template(macros + file.read_text()).render(**names)


def test_there_are_models_and_checks():
    assert len(FILES) >= 8
    assert len(CHECKS) >= 4


@pytest.mark.parametrize("dialect", ["duckdb", "trino"])
@pytest.mark.parametrize("file", [*FILES, *CHECKS], ids=lambda f: f.stem)
def test_both_engines_parse_it(file, dialect):
    tree = sqlglot.parse_one(compiled(file), dialect=dialect)
    assert isinstance(tree, exp.Select | exp.Union)
    assert list(tree.find_all(*ONE_ENGINE_ONLY)) == []


@pytest.mark.parametrize("file", [*FILES, *CHECKS], ids=lambda f: f.stem)
def test_both_engines_understand_the_same(file):
    text = compiled(file)
    duckdb, trino = (sqlglot.parse_one(text, dialect=d).sql("duckdb") for d in ("duckdb", "trino"))
    assert duckdb == trino
