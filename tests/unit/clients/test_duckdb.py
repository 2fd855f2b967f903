"""DuckDB with extensions from wheels, and what a restricted connection can still reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tidewright import errors
from tidewright.clients import duckdb as duck
from tidewright.pipelines.lake import store
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

FORBIDDEN = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('{lake}/../outside.txt')",
    "select * from glob('/etc/*')",
    "copy (select 1) to '/tmp/tidewright-leak.csv'",
    "attach '/tmp/tidewright-leak.db'",
    "install httpfs",
    "load httpfs",
    "select * from read_csv('https://localhost/x.csv')",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set memory_limit = '900GB'",
]


@pytest.fixture
def lake(postgres: TempPostgres, tmp_path: Path) -> Iterator[lakes.TempLake]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield lake


@pytest.fixture
def restricted(lake: lakes.TempLake) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    opened = lake.open()
    opened.create("bank.a", lakes.USERS, lakes.PLAIN, {}).add_rows(lakes.rows([1, 2]))
    done = opened.commit(lakes.facts(1))
    assert isinstance(done, store.Done)
    (lake.folder / "outside.txt").write_text("secret")
    with duck.connect(memory_limit="256MB", threads=1) as conn:
        duck.restrict(conn, [lake.folder / "lake"])
        yield conn, done.tables["bank.a"].metadata


def test_a_restricted_connection_still_reads_the_lake(
    restricted: tuple[duckdb.DuckDBPyConnection, str],
) -> None:
    conn, location = restricted
    assert conn.execute(f"select sum(id) from iceberg_scan('{location}')").fetchall() == [(3,)]


@pytest.mark.parametrize("query", FORBIDDEN)
def test_and_reaches_nothing_else(
    restricted: tuple[duckdb.DuckDBPyConnection, str], lake: lakes.TempLake, query: str
) -> None:
    with pytest.raises(duckdb.Error):
        restricted[0].execute(query.format(lake=lake.folder / "lake")).fetchall()


def test_settings_are_taken(tmp_path: Path) -> None:
    with duck.connect(tmp_path / "x.db", memory_limit="100MB", threads=2) as conn:
        row = conn.execute("select current_setting('threads')").fetchone()
        assert row == (2,)
    with duck.connect(tmp_path / "x.db", read_only=True) as conn, pytest.raises(duckdb.Error):
        conn.execute("create table t (a int)")


def test_an_extension_that_is_not_installed_is_named() -> None:
    with pytest.raises(errors.Unsupported, match="duckdb-extension-nowhere==") as told:
        duck.extension("nowhere")
    assert told.value.code == "lake.no_extension"
