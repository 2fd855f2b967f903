from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import psycopg
import pytest

from tidewright import errors
from tidewright.model import flow
from tidewright.pipelines.compare import stream as compare
from tidewright.pipelines.lake import between
from tidewright.pipelines.stream import batch, routing, views

VIEW = flow.Target("v.users", ("id",), "told")
STREAM = flow.Stream("t", "s.sql", "v.accepted", "v.dead", (VIEW,))
SQL = "select topic_offset, key::bigint as id, value::bigint as told from events"


class Streaming:
    """One stream without its loop: ``batch`` routes and writes events (key, value)."""

    def __init__(self, conn: psycopg.Connection, sql: str = SQL) -> None:
        self.duck = duckdb.connect()
        self.router = routing.Router.of(STREAM, sql)
        self.views = views.Views(conn, "s", STREAM)
        batch.empty(self.duck)
        self.standing = self.views.prepare(self.router.columns(self.duck))
        self.offset = 0

    def batch(self, *events: tuple[int | None, object]) -> views.Standing:
        batch.empty(self.duck)
        for key, value in events:
            self.offset += 1
            row = [self.offset, None if key is None else str(key), str(value)]
            self.duck.execute("insert into batch values (?, now(), ?, ?)", row)
        self.router.route(self.duck, lambda: None)
        low = self.standing.position
        taken = between.Span("source", low, low + 10)
        self.standing = self.views.write(self.duck, self.standing, taken)
        return self.standing


@pytest.fixture
def stream(database: psycopg.Connection) -> Iterator[Streaming]:
    made = Streaming(database)
    yield made
    made.duck.close()


def users(conn: psycopg.Connection) -> dict[int, int]:
    return dict(conn.execute("select id, told from v.users").fetchall())


def test_rows_and_position_are_one(database: psycopg.Connection, stream: Streaming) -> None:
    stream.batch((1, 10), (2, 20), (None, 5), (3, "x"))
    assert users(database) == {1: 10, 2: 20}
    assert stream.views.standing() == views.Standing("source", 10, 4, 2, 2)
    dead = database.execute("select topic_offset, value, reason from v.dead order by 1").fetchall()
    assert [row[:2] for row in dead] == [(3, "5"), (4, "x")]
    assert all(reason for _, _, reason in dead)


def test_a_late_change_does_not_win(database: psycopg.Connection, stream: Streaming) -> None:
    stream.batch((1, 10), (2, 20))
    stream.batch((1, 9), (2, 30), (2, 25))
    assert users(database) == {1: 10, 2: 30}
    stream.batch((1, 10))  # as late as the one that stands: the topic's order decides
    row = database.execute("select topic_offset from v.users where id = 1").fetchone()
    assert row == (6,)
    assert compare.replays(database, STREAM, VIEW).ok


def test_a_batch_that_does_not_commit_leaves_nothing(
    database: psycopg.Connection, stream: Streaming
) -> None:
    def crash(point: str) -> None:
        if point == "views_written":
            raise KeyboardInterrupt

    before = stream.batch((1, 10))
    stream.views = views.Views(database, "s", STREAM, crash)
    stream.views.prepare(stream.router.columns(stream.duck))
    with pytest.raises(KeyboardInterrupt):
        stream.batch((1, 11), (2, 20))
    assert stream.views.standing() == before
    assert users(database) == {1: 10}


def test_a_batch_that_somebody_else_wrote_is_not_written(
    database: psycopg.Connection, stream: Streaming
) -> None:
    other = Streaming(database)
    stream.batch((1, 10))
    with pytest.raises(views.Moved, match=r"stream\.moved"):
        other.batch((1, 10))
    assert users(database) == {1: 10}


def test_a_column_more_is_added_and_another_type_refused(
    database: psycopg.Connection, stream: Streaming
) -> None:
    stream.batch((1, 10))
    more = "select topic_offset, key::bigint as id, value::bigint as told, 'x' as note from events"
    second = Streaming(database, more)
    second.offset = stream.offset
    second.batch((2, 20))
    found = database.execute("select id, note from v.users order by 1").fetchall()
    assert found == [(1, None), (2, "x")]
    with pytest.raises(errors.Refused) as raised:
        Streaming(database, "select topic_offset, key::bigint as id, value as told from events")
    assert raised.value.code == "stream.columns"


@pytest.mark.parametrize(
    ("harm", "seen"),
    [
        ("delete from v.accepted where topic_offset = 1", (1, 0, 0)),
        ("insert into v.dead values (99, now(), '1', '1', 'no')", (0, 0, 0)),  # past the cut
        ("insert into v.dead values (0, now(), '1', '1', 'no')", (0, 1, 0)),
        ("insert into v.dead values (1, now(), '1', '1', 'no')", (0, 0, 1)),
    ],
)
def test_verify_sees_every_harm(
    database: psycopg.Connection, stream: Streaming, harm: str, seen: tuple[int, int, int]
) -> None:
    stream.batch((1, 10), (2, 20), (None, 5))
    duck = duckdb.connect()
    duck.execute(
        "create table topic_raw as select n as topic_offset, n as _lsn from range(1, 4) r(n)"
    )
    duck.execute("create schema raw_data; create view raw_data.t as from topic_raw")
    with database.transaction():
        assert compare.once(database, duck, STREAM, "raw_data.t").source_rows == 3
    database.execute(harm.encode())
    with database.transaction():
        found = compare.once(database, duck, STREAM, "raw_data.t")
    assert (found.missing, found.extra, found.different) == seen


def test_a_view_that_was_touched_is_seen(database: psycopg.Connection, stream: Streaming) -> None:
    stream.batch((1, 10), (2, 20))
    assert compare.replays(database, STREAM, VIEW).ok
    database.execute("update v.users set told = 11 where id = 1")
    assert not compare.replays(database, STREAM, replace(VIEW, order=None)).ok
    database.execute("insert into v.dead values (7, now(), null, 'x', '')")
    assert not compare.reasons(database, STREAM).ok
