"""The raw log against current state: changes that came twice, and keys that the replay misses."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tidewright.model import acts
from tidewright.pipelines.compare import rawlog

Row = tuple[str, int, int, int | None]


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as conn:
        conn.execute("create schema bank")
        conn.execute("create schema raw_data")
        conn.execute("create table bank.t (id int, name varchar)")
        conn.execute(
            "create table raw_data.t (id int, op varchar, source_table varchar, _lsn bigint,"
            " _seq bigint)"
        )
        yield conn


def log(duck: duckdb.DuckDBPyConnection, *rows: Row) -> None:
    """Rows of (operation, LSN, ordinal, key)."""
    for op, lsn, seq, key in rows:
        into = "raw_data.t (id, op, source_table, _lsn, _seq)"
        duck.execute(f"insert into {into} values (?, ?, 'bank.t', ?, ?)", [key, op, lsn, seq])


def state(duck: duckdb.DuckDBPyConnection, *keys: int) -> None:
    for key in keys:
        duck.execute("insert into bank.t (id, name) values (?, 'x')", [key])


def judged(duck: duckdb.DuckDBPyConnection) -> list[acts.Invariant]:
    return list(rawlog.invariants(duck, "raw_data.t", "bank.t", ("id",)))


def holds(duck: duckdb.DuckDBPyConnection) -> list[bool]:
    return [found.ok for found in judged(duck)]


def test_a_log_that_replays_to_the_state_holds(duck: duckdb.DuckDBPyConnection) -> None:
    log(duck, ("r", 10, 1, 1), ("r", 10, 2, 2), ("r", 10, 3, 3))
    log(duck, ("d", 20, 1, 1), ("u", 20, 2, 2), ("c", 30, 1, 4), ("d", 40, 1, 3), ("c", 40, 2, 3))
    state(duck, 2, 3, 4)
    assert holds(duck) == [True, True]


def test_a_change_that_came_twice_is_counted(duck: duckdb.DuckDBPyConnection) -> None:
    log(duck, ("c", 10, 1, 1), ("c", 10, 2, 2), ("c", 10, 2, 2))
    state(duck, 1, 2)
    once, replays = judged(duck)
    assert (once.ok, replays.ok) == (False, True)
    assert once.detail == "1 changes are there twice"


def test_a_key_change_has_two_rows_in_one_place_and_is_not_twice(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    log(duck, ("c", 10, 1, 1), ("d", 20, 1, 1), ("c", 20, 1, 2))
    state(duck, 2)
    assert holds(duck) == [True, True]


def test_keys_on_one_side_only_are_counted(duck: duckdb.DuckDBPyConnection) -> None:
    log(duck, ("c", 10, 1, 1), ("c", 10, 2, 2), ("c", 10, 3, 3))
    state(duck, 3, 4)
    _, replays = judged(duck)
    assert not replays.ok
    assert replays.detail == "2 keys only in the replayed log, 1 only in bank.t"


def test_later_means_by_place_and_not_by_arrival(duck: duckdb.DuckDBPyConnection) -> None:
    log(duck, ("d", 9, 9, 1), ("c", 9, 10, 2), ("d", 10, 1, 2), ("c", 9, 8, 1))
    assert holds(duck) == [True, True]


def test_only_what_follows_the_last_truncation_counts(duck: duckdb.DuckDBPyConnection) -> None:
    log(duck, ("c", 10, 1, 1), ("t", 20, 2, None), ("c", 20, 1, 2))
    log(duck, ("c", 20, 3, 3), ("t", 15, 1, None), ("c", 30, 1, 4))
    state(duck, 3, 4)
    assert holds(duck) == [True, True]


def test_what_commits_exactly_at_the_copys_point_comes_after_the_copy(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    """Rows of the copy carry its point; a transaction may begin its commit record right there."""
    log(duck, ("r", 10, 1, 1), ("r", 10, 2, 2), ("r", 10, 3, 3), ("d", 10, 1, 3))
    state(duck, 1, 2)
    assert holds(duck) == [True, True]
    log(duck, ("t", 10, 2, None))
    duck.execute("delete from bank.t")
    assert holds(duck) == [True, True]


def test_a_key_column_that_clashes_is_found_under_its_other_name(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    duck.execute("alter table raw_data.t add column src_op int")
    duck.execute("alter table bank.t add column op int")
    log(duck, ("c", 10, 1, 1), ("c", 20, 1, 2))
    duck.execute("update raw_data.t set src_op = id * 10")
    state(duck, 1, 2)
    duck.execute("update bank.t set op = id * 10")
    found = rawlog.invariants(duck, "raw_data.t", "bank.t", ("op",))
    assert [each.ok for each in found] == [True, True]
    duck.execute("update bank.t set op = 99 where id = 1")
    found = rawlog.invariants(duck, "raw_data.t", "bank.t", ("op",))
    assert [each.ok for each in found] == [True, False]


def test_without_the_key_in_the_log_nothing_is_said_of_the_replay(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    duck.execute("alter table raw_data.t drop column id")
    assert [found.name for found in judged(duck)] == ["raw_data.t: each change once"]
