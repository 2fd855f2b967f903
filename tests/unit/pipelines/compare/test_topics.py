from __future__ import annotations

from collections.abc import Callable

import duckdb
import psycopg
import pytest

from tidewright.clients import topics as layout
from tidewright.model import acts
from tidewright.pipelines.compare import topics
from tidewright.pipelines.topic import append, records

Compare = Callable[[], acts.TableDifference]


@pytest.fixture
def duck(database: psycopg.Connection) -> duckdb.DuckDBPyConnection:
    """A topic of six events whose first three have left it, and a lake that has all of them."""
    layout.prepare(database, ("visits",))
    mine = append.Appender(database, "visits", "web")
    mine.append(append.Batch(1, [records.Record(f"k{i}", f"v{i}") for i in range(1, 4)]))
    mine.append(append.Batch(2, [records.Record(None, f"v{i}") for i in range(4, 7)]))
    made = duckdb.connect()
    made.execute("create schema raw_data")
    made.execute(
        "create table raw_data.visits as select n as topic_offset, "
        " if(n < 4, 'k' || n, null) as key,"
        " 'v' || n as value, 'c' as op, n as _lsn, 1 as _seq from range(1, 7) r(n)"
    )
    database.execute("delete from topics.visits where topic_offset <= 3")
    return made


def found(database: psycopg.Connection, duck: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    seen = topics.compare(database, duck, "visits")
    return (seen.missing, seen.extra, seen.different)


def test_all_that_was_appended_is_there(
    database: psycopg.Connection, duck: duckdb.DuckDBPyConnection
) -> None:
    seen = topics.compare(database, duck, "visits")
    assert (seen.source_rows, seen.lake_rows) == (6, 6)
    assert found(database, duck) == (0, 0, 0)
    assert topics.in_order(duck, "raw_data.visits").ok


@pytest.mark.parametrize(
    ("harm", "seen"),
    [
        ("delete from raw_data.visits where topic_offset = 2", (1, 0, 0)),
        ("delete from raw_data.visits where topic_offset = 5", (1, 0, 0)),
        ("insert into raw_data.visits from raw_data.visits where topic_offset = 1", (0, 1, 0)),
        ("update raw_data.visits set value = 'x' where topic_offset = 1", (0, 0, 1)),
        ("update raw_data.visits set key = 'x' where topic_offset = 5", (0, 0, 1)),
    ],
)
def test_every_harm_is_seen(
    database: psycopg.Connection, duck: duckdb.DuckDBPyConnection, harm: str,
    seen: tuple[int, int, int],
) -> None:  # fmt: skip
    duck.execute(harm)
    assert found(database, duck) == seen


def test_an_offset_that_came_after_a_higher_one_is_seen(duck: duckdb.DuckDBPyConnection) -> None:
    duck.execute("update raw_data.visits set _lsn = 9 where topic_offset = 2")
    assert not topics.in_order(duck, "raw_data.visits").ok
