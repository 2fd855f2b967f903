"""Reads by key while events arrive: how long each takes, seen by a client of its own."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

import numpy as np
import psycopg
from psycopg import sql

from tidewright.clients import postgres
from tidewright.model import flow, jobs
from tidewright.operations import bench, demo, lakeside, observing, state, up

EVERY = 0.005  # seconds from one read to the next
RENEW = 1.0  # seconds after which other keys are asked for
WARM = 5.0
KEYS = 2000


@dataclass(slots=True)
class Reading:
    """What was seen. ``events``: those that found their place meanwhile."""

    milliseconds: list[float] = field(default_factory=list)
    missed: int = 0
    events: int = 0
    seconds: float = 0.0
    view_p95_ms: float | None = None


def run(say: bench.Say, rate: float = 5_000, seconds: float = 30) -> bench.Figures:
    """The example user-events with ``rate`` events a second asked for, read by key meanwhile."""
    wish = demo.Wish(rate=rate)
    talk = up.Talk(say, lambda question: True)
    found, verified = demo.during("user-events", wish, talk, lambda place: _read(place, seconds))
    percentiles = [round(float(v), 2) for v in np.percentile(found.milliseconds, (50, 95, 99))]
    return bench.Figures(
        "keyed",
        f"tidewright bench keyed --rate {rate:g} --seconds {seconds:g}",
        ("what", "p50 ms", "p95 ms", "p99 ms"),
        (("read by key", *percentiles),),
        {
            "reads": len(found.milliseconds),
            "not_found": found.missed,
            "events_per_second": round(found.events / found.seconds, 1),
            "topic_to_view_p95_ms": found.view_p95_ms,
            "exact": verified.ok,
        },
    )


def _read(place: state.Environment, seconds: float) -> Reading:
    job = next(job for _, job in lakeside.of_kind(place, jobs.StreamJob))
    view, found = job.stream.views[0], Reading()
    time.sleep(WARM)
    with postgres.connect(job.keyed, str(job.secrets)) as conn:
        before, began = _events(conn), time.monotonic()
        while (now := time.monotonic()) < began + seconds:
            keys = _keys(conn, job.stream, view)
            while time.monotonic() < min(now + RENEW, began + seconds):
                _one(conn, view, random.choice(keys), found)  # noqa: S311  a sample
                time.sleep(EVERY)
        found.events, found.seconds = _events(conn) - before, time.monotonic() - began
    fresh = observing.observe(place.place.root).hops.get("topic_to_view")
    found.view_p95_ms = fresh.p95 if fresh else None
    return found


def _one(
    conn: psycopg.Connection, view: flow.Target, key: tuple[object, ...], found: Reading
) -> None:
    wanted = sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(k)) for k in view.key)
    query = sql.SQL("select * from {} where {}").format(_table(view.table), wanted)
    began = time.monotonic()
    row = conn.execute(query, key).fetchone()
    found.milliseconds.append((time.monotonic() - began) * 1000)
    found.missed += row is None


def _keys(
    conn: psycopg.Connection, stream: flow.Stream, view: flow.Target
) -> list[tuple[object, ...]]:
    """Keys of the newest events and of others from all along."""
    names = sql.SQL(", ").join(map(sql.Identifier, view.key))
    query = sql.SQL(
        "(select {0} from {1} order by topic_offset desc limit {2}) union all"
        " (select {0} from {3} limit {2})"
    ).format(names, _table(stream.accepted), sql.Literal(KEYS // 2), _table(view.table))
    return conn.execute(query).fetchall()


def _events(conn: psycopg.Connection) -> int:
    row = conn.execute(
        "select coalesce(sum(events), 0)::bigint from tidewright.positions"
    ).fetchone()
    return int(row[0]) if row else 0


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split(".", 1))
