"""Changes that an engine landed twice: by their place in the topic, or in the source."""

from __future__ import annotations

import duckdb
import pytest

from tidewright.pipelines.compare import engines

ROWS = [(1, "c", 100, 7, 0), (1, "u", 200, 8, 0), (1, "d", 300, 9, 0), (2, "c", 300, 7, 1)]


def lake(rows: list[tuple[int, str, int, int, int]]) -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect()
    duck.execute("create schema raw")
    duck.execute(
        "create table raw.t (id int, op varchar, _lsn bigint, _seq bigint, _partition int)"
    )
    duck.executemany("insert into raw.t values (?, ?, ?, ?, ?)", rows)
    return duck


def test_each_change_once() -> None:
    """A change of a key is a delete and an insert at one place of the source."""
    assert engines.once(lake(ROWS), "raw.t", ("id",)).ok


def test_the_log_replays_to_the_keys_of_current_state() -> None:
    duck = lake(ROWS)
    duck.execute("create schema s; create table s.t as select 2 as id")
    assert engines.invariants(duck, "raw.t", "s.t", ("id",))[1].ok
    duck.execute("insert into s.t values (1)")
    found = engines.invariants(duck, "raw.t", "s.t", ("id",))[1]
    assert not found.ok and "1 only in s.t" in found.detail
    duck.execute("delete from s.t")
    assert (
        "1 keys only in the replayed log"
        in engines.invariants(duck, "raw.t", "s.t", ("id",))[1].detail
    )


@pytest.mark.parametrize(
    "again",
    [(5, "c", 999, 8, 0), (1, "u", 200, 10, 0)],
    ids=["one place of the topic", "one place of the source"],
)
def test_a_change_that_is_there_twice_is_found(again: tuple[int, str, int, int, int]) -> None:
    found = engines.once(lake([*ROWS, again]), "raw.t", ("id",))
    assert not found.ok and "1 changes" in found.detail
