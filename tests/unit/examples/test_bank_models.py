"""The models and checks of every example are SQL that both DuckDB and Trino accept."""

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

ALL = Path(__file__).parents[3] / "examples"
FILES = sorted([*ALL.glob("*/models/**/*.sql"), *ALL.glob("*/checks/*.sql")])
SOURCE = re.compile(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}")
REF = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")
# What one of the two engines names otherwise parses in both, so it is found by its node.
ONE_ENGINE_ONLY = (exp.Anonymous, exp.JSONExtract, exp.Lateral, exp.Qualify, exp.Pivot)


def compiled(file):
    text = REF.sub(r'"marts"."\1"', SOURCE.sub(r'"\1"."\2"', file.read_text()))
    assert "{" not in text, "only source() and ref() are used here"
    return text


def test_there_are_models_and_checks():
    assert len(FILES) >= 7


@pytest.mark.parametrize("dialect", ["duckdb", "trino"])
@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_both_engines_parse_it(file, dialect):
    tree = sqlglot.parse_one(compiled(file), dialect=dialect)
    assert isinstance(tree, exp.Select)
    assert list(tree.find_all(*ONE_ENGINE_ONLY)) == []


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_both_engines_understand_the_same(file):
    text = compiled(file)
    duckdb, trino = (sqlglot.parse_one(text, dialect=d).sql("duckdb") for d in ("duckdb", "trino"))
    assert duckdb == trino
