import duckdb
import pytest

from tidewright.pipelines.publish import types


@pytest.mark.parametrize(
    ("duckdb_type", "postgres_type"),
    [
        ("BIGINT", "bigint"),
        ("DECIMAL(18,2)", "numeric(18,2)"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp with time zone"),
        ("TIMESTAMP_NS", "text"),
        ("BIGINT[]", "jsonb"),
        ("INTEGER[3]", "jsonb"),
        ("STRUCT(a INTEGER)", "jsonb"),
        ("MAP(VARCHAR, INTEGER)", "jsonb"),
        ("ENUM('a', 'b')", "text"),
        ("GEOMETRY", "text"),
    ],
)
def test_type_map(duckdb_type, postgres_type):
    assert types.postgres_type(duckdb_type) == postgres_type


@pytest.mark.parametrize("kind", sorted(types.PLAIN))
def test_every_listed_name_is_how_duckdb_prints_the_type(kind):
    with duckdb.connect() as con:
        con.execute(f"create table t (c {kind})")
        assert con.execute("describe t").fetchall()[0][1] == kind


def test_every_listed_postgres_name_is_how_postgresql_prints_it(database):
    kinds = sorted(set(types.PLAIN.values()))
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(kinds))
    database.execute(f"create table t ({columns})")
    printed = database.execute(
        "select format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = 't'::regclass and attnum > 0 order by attnum"
    )
    assert [row[0] for row in printed] == kinds


def test_names_are_quoted_whatever_they_contain():
    assert types.quoted('a "b"') == '"a ""b"""'
