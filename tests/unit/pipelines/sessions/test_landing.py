"""Crashes at every fault point of a landing: the tables are what the plain oracle says."""

import json
import random
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.unit.pipelines.sessions.test_core import random_log

from tidewright.model import flow, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.delta import newer
from tidewright.pipelines.lake import topicrows
from tidewright.pipelines.sessions import core, landing, shapes

S = 1_000_000
SCHEMA = {
    "properties": {
        "visitor": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "page": {"type": "string"},
    }
}
STAGE = flow.Sessions("clicks", "visitor", "at", 10.0, 15.0, "web", ("page",), ("page",))


class Crash(Exception):
    pass


class At:
    """Crashes at the n-th passing of a point."""

    def __init__(self, point: str, number: int) -> None:
        self.point, self.left = point, number

    def __call__(self, point: str) -> None:
        self.left -= point == self.point
        if self.left == 0 and point == self.point:
            raise Crash


@pytest.fixture
def job(tmp_path):
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    nowhere = jobs.Lake(flow.Connection("", 0, "", "", None), "")
    return jobs.SessionsJob(
        name="sessions", stage=STAGE, lake=nowhere, delta=str(tmp_path / "delta"),
        schema=str(tmp_path / "schema.json"), secrets="", status="",
    )  # fmt: skip


def news(log: list[tuple[str, int, int]], first: int, last: int) -> topicrows.News:
    """Events ``first`` to ``last`` of the log; the position of an event is its place, from 1."""
    part = log[first:last]
    columns = {
        "topic_offset": pa.array([o for _, _, o in part], pa.int64()),
        "received": pa.array([t for _, t, _ in part], pa.int64()),
        "_lsn": pa.array(range(first + 1, last + 1), pa.int64()),
        "value": pa.array(["{}"] * len(part)),
        "visitor": pa.array([k for k, _, _ in part]),
        "at": pa.array([t for _, t, _ in part], pa.timestamp("us", "UTC")),
        "page": pa.array([f"/{o}" for _, _, o in part]),
    }
    return topicrows.News(last + 1, "log-1", pa.table(columns))


def turn(job, tables: landing.Landing, state: core.State, found: topicrows.News) -> core.State:
    reasons = landing.judge(found.rows, STAGE)
    step = core.advance(state, landing.for_core(found.rows, reasons, STAGE), shapes.rules(job))
    tables.land(landing.Turn(found, step, landing.with_late(reasons, step.late)))
    return step.state


def run(job, log, dice: random.Random, crashes: list[At]) -> int:
    """Land the whole log in random batches; each crash is followed by a new start."""
    crashed = 0
    while True:
        fault = crashes.pop() if crashes else faults.none
        tables = landing.Landing(job, shapes.shapes(job), "log-1", fault)
        state = tables.state()
        try:
            while (at := max(tables.position - 1, 0)) < len(log):
                last = min(len(log), at + dice.choice((1, 3, 10, 40)))
                state = turn(job, tables, state, news(log, at, last))
            return crashed
        except Crash:
            crashed += 1


def landed(job, name: str, columns: str) -> list[tuple]:
    at = newer.standing(Path(job.delta) / "web" / name, "sessions")
    if at is None or not at.files:
        return []
    query = f"select {columns} from read_parquet({list(at.files)}, hive_partitioning=false)"
    return sorted(duckdb.sql(query).fetchall())


@pytest.mark.parametrize("point", ["delta_written", "delta_committed"])
@pytest.mark.parametrize("seed", range(7))
def test_after_any_crash_every_event_is_in_one_session_once(job, point, seed):
    dice = random.Random(f"{point} {seed}")
    log = random_log(seed)
    # Each turn passes a point three times, once for each table: the last one here crashes first.
    crashes = [At(point, dice.randrange(1, n)) for n in (9, 9, 4)]
    crashed = run(job, log, dice, crashes)
    of, late = core.plain(log, shapes.rules(job))
    counts: dict[int, int] = {}
    for first in of.values():
        counts[first] = counts.get(first, 0) + 1
    assert dict(landed(job, "sessions", "first_offset, events")) == counts
    assert [o for (o,) in landed(job, "events", "topic_offset")] == sorted(of)
    assert [o for (o,) in landed(job, "late_events", "topic_offset")] == sorted(late)
    assert crashed > 0


def test_what_cannot_be_in_a_session_says_why(job):
    found = news([("v", 0, 1), ("v", 0, 2), ("v", 0, 3), ("v", 0, 4)], 0, 4)
    rows = found.rows
    rows = rows.set_column(4, "visitor", pa.array([None, "v", "v", "v"]))
    rows = rows.set_column(
        5, "at", pa.array([0, None, 15 * S + 1, 15 * S], pa.timestamp("us", "UTC"))
    )
    assert landing.judge(rows, STAGE).to_pylist() == [
        landing.NO_KEY, landing.NO_TIME, landing.AHEAD, None,
    ]  # fmt: skip


def test_lateness_is_noted_where_the_core_saw_it():
    reasons = pa.array([None, "other", None, None], pa.string())
    found = landing.with_late(reasons, np.array([False, True, False]))
    assert found.to_pylist() == [None, "other", landing.LATE, None]
