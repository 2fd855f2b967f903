"""The stream over a real lake and a real database; seeded crashes at any point, anywhere."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

from tidewright import errors
from tidewright.clients import duckdb as ducks
from tidewright.model import flow, jobs, values
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import between, reader, store
from tidewright.pipelines.mover import report
from tidewright.pipelines.stream import batch, loop
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

RAW = "raw_data.t"
SCHEMA = Schema(
    NestedField(1, "topic_offset", LongType()), NestedField(2, "at", TimestamptzType()),
    NestedField(3, "key", StringType()), NestedField(4, "value", StringType()),
    NestedField(5, "op", StringType()), NestedField(6, "_lsn", LongType()),
    NestedField(7, "_seq", LongType()),
)  # fmt: skip
SQL = "select topic_offset, (value ->> 'n')::bigint as n from events"
STREAM = flow.Stream("t", "s.sql", "v.accepted", "v.dead", (flow.Target("v.last", ("n",), None),))


class Crash(BaseException):
    """What ends a process: no handler of ours may catch it."""


class Topic:
    """A raw table of a topic; ``commit`` adds transactions of given sizes."""

    def __init__(self, lake: lakes.TempLake) -> None:
        self.store = lake.open(flow_name="topics")
        self.table = self.store.create(RAW, SCHEMA, lakes.PLAIN, {})
        self.lsn, self.values = 100, list[str]()

    def commit(self, *sizes: int, poison: int = 0) -> None:
        rows = []
        for size in sizes:
            self.lsn += 10
            for seq in range(size):
                n = len(self.values) + 1
                value = "not { json" if poison and n % poison == 0 else f'{{"n": {n % 50}}}'
                self.values.append(value)
                rows.append((n, 0, None, value, "c", self.lsn, seq))
        columns = list(zip(*rows, strict=True)) if rows else []
        if columns:
            target = [f.name for f in SCHEMA.fields]
            made = pa.table(dict(zip(target, map(pa.array, map(list, columns)), strict=True)))
            at = pa.array([0] * len(rows), pa.timestamp("us", "UTC"))
            made = made.set_column(1, "at", at)
            made = made.set_column(2, "key", pa.nulls(len(rows), pa.string()))
            self.table.add_rows(made)
        position = flow.Position("postgres", lakes.IDENTITY, self.lsn + 5)
        assert isinstance(self.store.commit(store.CommitFacts(position)), store.Done)


@pytest.fixture
def lake(postgres: TempPostgres, tmp_path: Path) -> Iterator[lakes.TempLake]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield lake


def streaming(
    database: psycopg.Connection, lake: lakes.TempLake, fault: faults.Fault = faults.none
) -> loop.Loop:
    vault.write(lake.folder / "secrets", "pw", lake.server.password)
    (lake.folder / "s.sql").write_text(SQL)
    name, port = database.info.dbname, lake.server.port
    at = flow.Connection("127.0.0.1", port, name, "postgres", values.Secret("pw"))
    folder = str(lake.folder)
    job = jobs.StreamJob(
        "s", STREAM, "topics", RAW, lake.job, at, folder, f"{folder}/secrets", f"{folder}/s.json"
    )
    return loop.Loop(job, report.Report(lake.folder / "s.json", "stream"), threading.Event(), fault)


def found(database: psycopg.Connection) -> tuple[list[int], list[int]]:
    query = "select topic_offset from {} order by 1"
    good, bad = (
        [n for (n,) in database.execute(query.format(t).encode())] for t in ("v.accepted", "v.dead")
    )
    return good, bad


def expected(topic: Topic) -> tuple[list[int], list[int]]:
    numbered = list(enumerate(topic.values, 1))
    return [n for n, v in numbered if 'n"' in v], [n for n, v in numbered if 'n"' not in v]


@pytest.mark.parametrize("seed", range(3))
def test_each_event_once_whatever_crashes(
    database: psycopg.Connection, lake: lakes.TempLake, seed: int
) -> None:
    chance = random.Random(seed)
    topic = Topic(lake)
    left = {"passes": chance.randint(1, 6)}

    def fault(point: str) -> None:
        left["passes"] -= 1
        if left["passes"] == 0:
            left["passes"] = chance.randint(1, 9)
            raise Crash(point)

    running = streaming(database, lake, fault)
    for _ in range(6):
        sizes = [chance.randint(1, 30) for _ in range(chance.randint(0, 3))]
        topic.commit(*sizes, poison=chance.choice((0, 17)))
        for _ in range(chance.randint(1, 3)):
            try:
                running.turn()
            except Crash:
                running._hang_up()
                running = streaming(database, lake, fault)
    running._hang_up()
    last = streaming(database, lake)
    while last._standing.position < topic.lsn:
        last.turn()
    last._hang_up()
    assert found(database) == expected(topic)
    row = database.execute("select count(*), max(topic_offset) from v.last").fetchone()
    assert row is not None
    assert row[1] == found(database)[0][-1]


def test_a_batch_ends_with_a_transaction(lake: lakes.TempLake) -> None:
    topic = Topic(lake)
    topic.commit(3, 4, 10)
    duck = ducks.connect()
    with lake.connect() as conn:
        pinned = reader.pin(conn, "topics")
    assert pinned is not None
    taken, low = [], 0
    while True:
        wanted = between.span(pinned, RAW, None, low)
        assert wanted is not None
        if wanted.empty:
            break
        got = batch.take(duck, pinned, RAW, wanted, most=5)
        offsets = [n for (n,) in duck.execute("select topic_offset from batch").fetchall()]
        assert got.events == len(offsets)
        taken.append(offsets)
        low = got.taken.high
    # Four do not fit beside three; ten are one transaction and taken whole.
    assert taken == [[1, 2, 3], [4, 5, 6, 7], list(range(8, 18))]


def test_a_table_that_is_not_there_yet_moves_nothing(lake: lakes.TempLake) -> None:
    topic = Topic(lake)
    topic.commit()
    with lake.connect() as conn:
        pinned = reader.pin(conn, "topics")
        assert pinned is not None
        assert between.span(pinned, "raw_data.other", None, 0) is None
        topic.commit(2)
        pinned = reader.pin(conn, "topics")
    assert pinned is not None
    with pytest.raises(ValueError, match="the position is of another"):
        between.span(pinned, RAW, "another", 0)


def test_a_topic_that_began_anew_is_refused(
    database: psycopg.Connection, lake: lakes.TempLake
) -> None:
    """The views stand at a position of another source: nothing is guessed."""
    topic = Topic(lake)
    topic.commit(2)
    running = streaming(database, lake)
    running.turn()
    running._standing = replace(running._standing, source="another")
    topic.commit(1)
    with pytest.raises(errors.Refused, match=r"stream\.identity"):
        running._batch()
    running._hang_up()
    assert found(database) == ([1, 2], [])


def test_sql_that_is_mended_goes_on(database: psycopg.Connection, lake: lakes.TempLake) -> None:
    topic = Topic(lake)
    topic.commit(4)
    running = streaming(database, lake)
    file = lake.folder / "s.sql"
    file.write_text("select broken")
    running.turn()
    assert running.voice.status.state == "degraded"
    assert "broken" in running.voice.status.message
    file.write_text(SQL)
    running.turn()
    assert running.voice.status.state == "running"
    assert found(database) == ([1, 2, 3, 4], [])
    running._hang_up()
