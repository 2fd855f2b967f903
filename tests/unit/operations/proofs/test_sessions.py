"""The proof of sessions sees each way in which a landed table can be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidewright.model import flow, jobs
from tidewright.operations.proofs import sessions
from tidewright.pipelines.delta import newer

END = 100
MINUTE = 60_000_000
# offset, place in the log, key, time, taken: two sessions of ann, one of bob, one event too late,
# and one that came after the end.
EVENTS = (
    (1, 10, "ann", 0, True), (2, 11, "ann", 5 * MINUTE, True), (3, 12, "bob", 6 * MINUTE, True),
    (4, 13, "ann", 90 * MINUTE, True), (5, 14, "bob", 1, False), (6, END, "bob", 7 * MINUTE, True),
)  # fmt: skip
# key, first offset, start and end in minutes, events
RIGHT = (("ann", 1, 0, 5, 2), ("bob", 3, 6, 6, 1), ("ann", 4, 90, 90, 1))


@pytest.fixture
def duck() -> duckdb.DuckDBPyConnection:
    found = duckdb.connect()
    found.execute("set timezone = 'UTC'")
    found.execute(
        "create table judged (topic_offset bigint, _lsn bigint, key text, time bigint, taken bool)"
    )
    found.executemany("insert into judged values (?, ?, ?, ?, ?)", EVENTS)
    return found


class Job:
    stage = flow.Sessions("clicks", "user", "time", gap=1800.0, late=60.0, to="web")


def landed(folder: Path, rows: tuple[tuple[str, int, int, int, int], ...]) -> newer.Standing:
    def times(place: int) -> pa.Array:
        return pa.array([r[place] * MINUTE for r in rows], pa.timestamp("us", "UTC"))

    table = pa.table({
        "user": [r[0] for r in rows], "first_offset": [r[1] for r in rows],
        "started_at": times(2), "ended_at": times(3), "events": [r[4] for r in rows],
    })  # fmt: skip
    pq.write_table(table, folder / "part.parquet")
    return newer.Standing(END, (str(folder / "part.parquet"),))


def compared(duck: duckdb.DuckDBPyConnection, at: newer.Standing) -> tuple[int, int, int]:
    found = sessions._compare(duck, cast(jobs.SessionsJob, Job()), "web.sessions", at)
    return found.missing, found.extra, found.different


def test_what_is_right_is_exact(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert compared(duck, landed(tmp_path, RIGHT)) == (0, 0, 0)
    assert sessions._sum(duck, landed(tmp_path, RIGHT), "web.sessions").ok


@pytest.mark.parametrize(
    ("rows", "wrong", "adds_up"),
    [
        (RIGHT[:2], (1, 0, 0), False),
        ((*RIGHT, RIGHT[0]), (0, 1, 0), False),
        ((*RIGHT[:2], ("ann", 4, 90, 90, 2)), (0, 0, 1), False),
        ((*RIGHT[:2], ("eve", 4, 90, 90, 1)), (0, 0, 1), True),
        ((("ann", 1, 0, 90, 3), RIGHT[1]), (1, 0, 1), True),
    ],
    ids=[
        "a session is missing",
        "one is there twice",
        "an event too many",
        "another key",
        "joined",
    ],
)
def test_what_is_wrong_is_seen(
    duck: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    rows: tuple[tuple[str, int, int, int, int], ...],
    wrong: tuple[int, int, int],
    adds_up: bool,
) -> None:
    at = landed(tmp_path, rows)
    assert compared(duck, at) == wrong
    assert sessions._sum(duck, at, "web.sessions").ok == adds_up


def test_before_the_first_session_all_of_them_are_missing(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    assert compared(duck, newer.Standing(END, ())) == (3, 0, 0)
    assert not sessions._side(duck, newer.Standing(END, ()), "taken", "each event once").ok


@pytest.mark.parametrize(
    ("offsets", "ok"), [([1, 2, 3, 4], True), ([1, 2, 3], False), ([1, 2, 3, 4, 4], False)]
)
def test_each_event_once(
    duck: duckdb.DuckDBPyConnection, tmp_path: Path, offsets: list[int], ok: bool
) -> None:
    pq.write_table(pa.table({"topic_offset": offsets}), tmp_path / "events.parquet")
    at = newer.Standing(END, (str(tmp_path / "events.parquet"),))
    assert sessions._side(duck, at, "taken", "each event once").ok is ok


def test_the_rules_decide_what_is_taken() -> None:
    """As in the stage: no key, no time, ahead of its receipt, or behind the watermark."""
    raw = duckdb.connect()
    raw.execute("set timezone = 'UTC'")
    raw.execute(
        'create table raw (topic_offset bigint, "at" timestamptz, _lsn bigint, op text,'
        " _seq bigint, value text)"
    )
    values: Mapping[int, str] = {
        1: '{"user": "ann", "time": "2026-01-01T10:00:00Z"}',
        2: '{"time": "2026-01-01T10:00:00Z"}',
        3: '{"user": "ann", "time": "soon"}',
        4: '{"user": "ann", "time": "2026-01-01T10:05:00Z"}',
        5: '{"user": "ann", "time": "2026-01-01T10:00:30Z"}',
        6: '{"user": "bob", "time": "2026-01-01T09:58:00Z"}',
    }
    raw.executemany(
        "insert into raw values (?, '2026-01-01T10:01:00Z', ?, 'i', 0, ?)",
        [(n, n, value) for n, value in values.items()],
    )
    raw.execute(sessions._JUDGED.format(raw="raw", key="user", time="time", late=60 * 1_000_000))
    taken = raw.execute("select topic_offset from judged where taken order by 1").fetchall()
    assert [n for (n,) in taken] == [1, 5]
