"""One table of a real source against a DuckDB table: every kind of difference, and no false one."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import psycopg
import pytest

from tidewright.model import acts
from tidewright.pipelines.compare import tables
from tidewright.testing.postgres import TempPostgres

Counts = tuple[int, int, int]


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as conn:
        conn.execute("set timezone = 'UTC'")
        conn.execute("create schema bank")
        yield conn


@pytest.fixture(scope="module")
def server(postgres: TempPostgres) -> Iterator[psycopg.Connection]:
    """One database for the whole module: making one takes longer than a comparison."""
    with postgres.create("compare") as conn:
        yield conn


@pytest.fixture
def source(server: psycopg.Connection) -> psycopg.Connection:
    server.execute("drop schema if exists bank cascade")
    server.execute("create schema bank")
    return server


def compared(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection, key: str = "id"
) -> acts.TableDifference:
    return tables.compare(source, duck, "bank.t", (key,))


def counts(found: acts.TableDifference) -> Counts:
    return found.missing, found.extra, found.different


def both(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection, here: str, there: str
) -> None:
    source.execute(f"create table bank.t {here}".encode())
    duck.execute(f"create table bank.t {there}")


def test_missing_extra_and_different_rows_are_told_apart(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    both(source, duck, "(id int primary key, name text)", "(id int, name varchar)")
    source.execute("insert into bank.t values (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')")
    duck.execute("insert into bank.t values (1, 'a'), (2, 'x'), (5, 'e')")
    found = compared(source, duck)
    assert (found.table, found.source_rows, found.lake_rows) == ("bank.t", 4, 3)
    assert counts(found) == (2, 1, 1)
    assert set(found.examples) == {"missing (3,)", "missing (4,)", "extra (5,)", "different (2,)"}


def test_examples_are_few(source: psycopg.Connection, duck: duckdb.DuckDBPyConnection) -> None:
    both(source, duck, "(id int primary key)", "(id int)")
    source.execute("insert into bank.t select generate_series(1, 1000)")
    found = compared(source, duck)
    assert counts(found) == (1000, 0, 0)
    assert len(found.examples) == tables.EXAMPLES


def test_a_row_that_the_lake_has_twice_is_extra(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    both(source, duck, "(id int primary key, name text)", "(id int, name varchar)")
    source.execute("insert into bank.t values (1, 'a'), (2, 'b')")
    duck.execute("insert into bank.t values (1, 'a'), (2, 'b'), (2, 'b'), (2, 'b')")
    found = compared(source, duck)
    assert counts(found) == (0, 2, 0)
    assert found.examples == ("twice (2,)",)


def test_a_column_that_only_the_source_has_counts_where_it_holds_a_value(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    both(source, duck, "(id int primary key, phone text)", "(id int)")
    source.execute("insert into bank.t values (1, null), (2, '07'), (3, '')")
    duck.execute("insert into bank.t values (1), (2), (3)")
    assert counts(compared(source, duck)) == (0, 0, 2)


def test_a_column_that_only_the_lake_has_and_a_generated_one_are_left_out(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    here = "(id int primary key, twice int generated always as (id * 2) stored)"
    both(source, duck, here, "(id int, gone varchar)")
    source.execute("insert into bank.t values (1)")
    duck.execute("insert into bank.t values (1, 'kept')")
    assert counts(compared(source, duck)) == (0, 0, 0)


def test_children_of_an_inheriting_table_are_tables_of_their_own(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    both(source, duck, "(id int primary key)", "(id int)")
    source.execute("insert into bank.t values (1)")
    source.execute("create table bank.child () inherits (bank.t)")
    source.execute("insert into bank.child values (2)")
    duck.execute("insert into bank.t values (1)")
    assert counts(compared(source, duck)) == (0, 0, 0)


def test_names_that_need_quotes(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    name = "Odd \"table's"
    here = f'{tables.relation("bank." + name)} ("the ""Key" int, "it\'s, select" text)'
    source.execute(f"create table {here}".encode())
    duck.execute(f"create table {here.replace('text', 'varchar')}")
    for insert in (source.execute, duck.execute):
        insert(f"insert into {tables.relation('bank.' + name)} values (1, 'a'), (2, 'b')")
    duck.execute(f"update {tables.relation('bank.' + name)} set \"it's, select\" = 'c'")
    found = tables.compare(source, duck, f"bank.{name}", ('the "Key',))
    assert counts(found) == (0, 0, 2)


@pytest.mark.parametrize(
    ("type_here", "type_there", "here", "there", "different"),
    [
        ("text", "varchar", "null", "''", 1),
        ("text", "varchar", "''", "null", 1),
        ("text", "varchar", "''", "''", 0),
        ("text", "varchar", "null", "null", 0),
        ("text", "varchar", "'NULL'", "'NULL'", 0),
        ("text", "varchar", "' a '", "'a'", 1),
        ("text", "varchar", "' a '", "' a '", 0),
        ("text", "varchar", "E'a\\nb,\"c\"\\r\\n\\\\'", "E'a\\nb,\"c\"\\r\\n\\\\'", 0),
        ("text", "varchar", "E'a\\r\\nb'", "E'a\\nb'", 1),
        ("text", "varchar", "'\"'", "'\"'", 0),
        ("text", "varchar", "'żółć 🦆'", "'żółć 🦆'", 0),
        ("bytea", "blob", "'\\x00ff0a2c22'", "unhex('00ff0a2c22')", 0),
        ("bytea", "blob", "'\\x'", "''::blob", 0),
        ("bytea", "blob", "'\\x'", "null", 1),
        ("bytea", "blob", "'\\x00'", "unhex('01')", 1),
        ("boolean", "boolean", "true", "true", 0),
        ("boolean", "boolean", "false", "false", 0),
        ("boolean", "boolean", "true", "false", 1),
        ("boolean", "boolean", "null", "false", 1),
        ("timestamptz", "timestamptz", "'2026-01-01 12:00:00.000001+02'",
         "'2026-01-01 10:00:00.000001+00'", 0),
        ("timestamptz", "timestamptz", "'2026-01-01 12:00+02'", "'2026-01-01 12:00:00+00'", 1),
        ("timestamp", "timestamp", "'1969-12-31 23:59:59.999999'",
         "'1969-12-31 23:59:59.999999'", 0),
        ("date", "date", "'0001-01-01'", "'0001-01-01'", 0),
        ("time", "time", "'23:59:59.999999'", "'23:59:59.999999'", 0),
        ("time", "time", "'23:59:59.999999'", "'23:59:59.999998'", 1),
        ("numeric(38,9)", "decimal(38,9)", "12345678901234567890123456789.000000001",
         "12345678901234567890123456789.000000001", 0),
        ("numeric(10,2)", "decimal(10,2)", "1.10", "1.11", 1),
        ("numeric", "varchar", "1.50", "'1.50'", 0),
        ("float8", "double", "0.1", "0.1", 0),
        ("float8", "double", "'NaN'", "'NaN'", 0),
        ("float8", "double", "'-Infinity'", "'Infinity'", 1),
        ("float8", "double", "0.1::float8 + 0.2::float8", "0.3", 1),
        ("float4", "float", "16777217", "16777217", 0),
        ("bigint", "bigint", "9223372036854775807", "9223372036854775807", 0),
        ("int[]", "varchar", "'{1,NULL,2}'", "'{1,NULL,2}'", 0),
        ("uuid", "varchar", "'00000000-0000-0000-0000-00000000000a'",
         "'00000000-0000-0000-0000-00000000000a'", 0),
        ("jsonb", "varchar", "'{\"b\": 1, \"a\": [2]}'", "'{\"a\": [2], \"b\": 1}'", 0),
    ],
)  # fmt: skip
def test_values_are_the_same_or_not(
    source: psycopg.Connection,
    duck: duckdb.DuckDBPyConnection,
    type_here: str,
    type_there: str,
    here: str,
    there: str,
    different: int,
) -> None:
    both(source, duck, f"(id int primary key, v {type_here})", f"(id int, v {type_there})")
    source.execute(f"insert into bank.t values (1, {here})".encode())
    duck.execute(f"insert into bank.t values (1, {there})")
    assert counts(compared(source, duck)) == (0, 0, different)


def test_keys_of_text_and_of_several_columns(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    both(
        source, duck, "(a text, b bytea, v text, primary key (a, b))",
        "(a varchar, b blob, v varchar)",
    )  # fmt: skip
    for conn, raw in ((source, "'\\x01'"), (duck, "unhex('01')")):
        conn.execute(f"insert into bank.t values ('', {raw}, 'x'), ('k', {raw}, 'x')")
    found = tables.compare(source, duck, "bank.t", ("a", "b"))
    assert counts(found) == (0, 0, 0)
    duck.execute("update bank.t set a = 'K' where a = 'k'")
    found = tables.compare(source, duck, "bank.t", ("a", "b"))
    assert counts(found) == (1, 1, 0)


def test_a_second_comparison_starts_afresh(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    both(source, duck, "(id int primary key)", "(id int)")
    source.execute("insert into bank.t values (1)")
    assert counts(compared(source, duck)) == (1, 0, 0)
    duck.execute("insert into bank.t values (1)")
    assert counts(compared(source, duck)) == (0, 0, 0)
    assert duck.execute("select 1 from duckdb_tables() where temporary").fetchall() == []
