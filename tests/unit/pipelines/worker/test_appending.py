"""A topic through the real worker: raw rows only, removed ones stay in the lake, restarts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from tests.unit.pipelines.worker import running

from tidewright import errors
from tidewright.clients import topics
from tidewright.model import flow
from tidewright.pipelines.core import acts, faults
from tidewright.pipelines.lake import reader
from tidewright.pipelines.topic import append, records
from tidewright.pipelines.worker import engine, released, trimming
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

COLUMNS = ("topic_offset", "at", "key", "value")


@pytest.fixture
def worker(
    database: psycopg.Connection, postgres: TempPostgres, tmp_path: Path
) -> Iterator[running.Running]:
    topics.prepare(database, ("visits",))
    with lakes.TempLake(postgres, tmp_path) as lake:
        made = running.Running(database, lake)
        name = "topics.visits"
        made.job = replace(
            made.job,
            source=replace(made.job.source, append_only=True),
            capture=flow.Capture("bank", (name,), "raw_data", {name: COLUMNS}),
        )
        yield made
        made.close()


def batch(sequence: int, *values: str) -> append.Batch:
    return append.Batch(sequence, [records.Record("k", v) for v in values])


def rows(worker: running.Running) -> list[tuple[object, ...]]:
    pinned = worker.pinned()
    assert pinned is not None
    assert list(pinned.tables) == ["raw_data.visits"]
    found = lakes.by_duckdb(pinned.tables["raw_data.visits"].metadata)
    return [(row[0], row[3], row[5]) for row in found]


def test_a_topic_is_carried_once_and_what_leaves_it_stays_in_the_lake(
    worker: running.Running, database: psycopg.Connection
) -> None:
    mine = append.Appender(database, "visits", "web")
    mine.append(batch(1, "before", "the copy"))
    worker.start()
    worker.wait(lambda: worker.pinned() is not None)
    mine.append(batch(2, "after", "not { json"))
    worker.settle()
    database.execute("delete from topics.visits where topic_offset <= 3")
    mine.append(batch(3, "later"))
    worker.settle()
    worker.end()
    mine.append(batch(4, "while away"))
    worker.start()
    worker.settle()
    expected = ["before", "the copy", "after", "not { json", "later", "while away"]
    told = zip(expected, "rrcccc", strict=True)
    assert rows(worker) == [(i, v, o) for i, (v, o) in enumerate(told, 1)]


def test_the_publication_carries_inserts_alone(
    worker: running.Running, database: psycopg.Connection
) -> None:
    worker.start()
    worker.wait(lambda: worker.pinned() is not None)
    query = (
        "select pubinsert, pubupdate, pubdelete, pubtruncate from pg_publication where pubname = %s"
    )
    found = database.execute(query, (worker.job.source.publication,)).fetchone()
    assert found == (True, False, False, False)


def test_a_topic_whose_columns_change_stops(
    worker: running.Running, database: psycopg.Connection
) -> None:
    worker.start()
    worker.wait(lambda: worker.pinned() is not None)
    database.execute("alter table topics.visits add column more int")
    append.Appender(database, "visits", "web").append(batch(1, "a"))
    worker.wait(lambda: "columns" in Path(str(worker.job.status)).read_text().partition("hops")[2])


def test_trimming_takes_only_what_the_lake_holds(
    worker: running.Running, database: psycopg.Connection
) -> None:
    mine = append.Appender(database, "visits", "web")
    trim = trimming.Trimming(worker.job.source, Path(str(worker.job.secrets)), keep=0.0)
    mine.append(batch(1, "a", "b"))
    trim._carried = {"visits": 1}
    assert trim.turn(database, time.monotonic()) == 0
    marked = trim._known["visits"].marks[0].lsn
    mine.append(batch(2, "c"))
    trim._carried = {"visits": marked}
    assert trim.turn(database, time.monotonic()) == 2
    assert database.execute("select value from topics.visits").fetchall() == [("c",)]


def test_a_topic_is_pinned_like_any_table(worker: running.Running) -> None:
    worker.start()
    worker.wait(lambda: worker.pinned() is not None)
    pinned = worker.pinned()
    assert pinned is not None
    assert [f"{v.schema}.{v.table}" for v in reader.views(pinned)] == ["raw_data.visits"]


def test_a_topic_is_never_copied_again(
    worker: running.Running, database: psycopg.Connection
) -> None:
    """What it still keeps would take the place of all that it ever held."""
    append.Appender(database, "visits", "web").append(batch(1, "before"))
    worker.start()
    worker.wait(lambda: worker.pinned() is not None)
    worker.end()
    before = rows(worker)
    Path(str(worker.job.status)).with_name(released.MARK).write_text(worker.job.source.slot + "\n")
    hands = engine.Engine(worker.job, faults.none)
    try:
        with pytest.raises(errors.Bug, match=r"lake\.topic_again"):
            hands.perform(acts.Open())
    finally:
        hands.close()
    assert rows(worker) == before
