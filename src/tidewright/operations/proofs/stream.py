"""Is every event of a topic in exactly one place behind the stream step, at one commit?

The newest commit of the lake is pinned, the stream is waited for until it stands at or after it,
and the keyed database is read in one snapshot. Nothing stands still meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import flow as flows
from tidewright.model import jobs
from tidewright.operations import lakeside, state
from tidewright.operations.proofs.proof import Proof, Say, tell
from tidewright.pipelines.compare import stream as compare
from tidewright.pipelines.lake import reader

_AT = "select position from tidewright.positions where stream = %s"
LOOK_EVERY = 0.1


def prove(
    environment: state.Environment, name: str, job: jobs.StreamJob, say: Say, seconds: float
) -> Proof:
    """Every event once, the views replayed from the accepted ones, reasons for the rest."""
    with _lake(environment, job) as conn:
        pinned = lakeside.pinned(conn, job.flow)
        if job.raw not in pinned.tables:
            raise errors.Refused(
                "lake.empty", f"the lake has no {job.raw} yet", f"flow {job.flow}",
                "Wait for the first events: `tidewright status` shows how far it is.",
            )  # fmt: skip
        duck = lakeside.views(pinned)
        with _snapshot(job, pinned, name, seconds) as keyed:
            found = compare.once(keyed, duck, job.stream, job.raw)
            invariants = (
                *(compare.replays(keyed, job.stream, view) for view in job.stream.views),
                compare.reasons(keyed, job.stream),
            )
    say(f"{found.table}: {found.source_rows:,} events, {found.lake_rows:,} places")
    tell(say, invariants)
    return Proof(pinned.position, (found,), invariants)


def standing(
    environment: state.Environment, name: str, job: jobs.StreamJob, say: Say, seconds: float
) -> Proof:
    """The same up to where the stream stands, without waiting for more: of what was restored."""
    with _lake(environment, job) as conn:
        pinned = lakeside.pinned(conn, job.flow)
    with postgres.connect(job.keyed, Path(str(job.secrets))) as keyed, keyed.transaction():
        keyed.execute("set transaction isolation level repeatable read, read only")
        at = _at(keyed, job)
        if at is None or job.raw not in pinned.tables:
            raise errors.Refused(
                "lake.empty", "nothing had come in yet", f"service {name}", "Wait for an event."
            )
        duck = lakeside.views(pinned)
        found = compare.once(keyed, duck, job.stream, job.raw, flows.lsn_value(at))
        invariants = (
            *(compare.replays(keyed, job.stream, view) for view in job.stream.views),
            compare.reasons(keyed, job.stream),
        )
    say(f"{found.table}: {found.source_rows:,} events, {found.lake_rows:,} places")
    tell(say, invariants)
    return Proof(at, (found,), invariants)


@contextmanager
def _lake(environment: state.Environment, job: jobs.StreamJob) -> Iterator[psycopg.Connection]:
    lander = next(found for found in lakeside.landers(environment) if found.name == job.flow)
    with lakeside.asked(environment, lander) as conn:
        yield conn


@contextmanager
def _snapshot(
    job: jobs.StreamJob, pinned: reader.Pinned, name: str, seconds: float
) -> Iterator[psycopg.Connection]:
    """The keyed database in one snapshot, at or past the pinned position."""
    with postgres.connect(job.keyed, Path(str(job.secrets))) as conn:
        _wait(conn, job, flows.lsn_value(pinned.position), name, seconds)
        conn.execute("begin isolation level repeatable read read only")
        yield conn
        conn.execute("rollback")


def _wait(
    conn: psycopg.Connection, job: jobs.StreamJob, position: int, name: str, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        at = _at(conn, job)
        if at is not None and flows.lsn_value(at) >= position:
            return
        time.sleep(LOOK_EVERY)
    raise errors.TimedOut(
        "stream.behind", f"the stream did not come up to the lake's commit within {seconds:.0f} s",
        f"service {name}", "Look at `tidewright status`: the stream must be running.",
    )  # fmt: skip


def _at(conn: psycopg.Connection, job: jobs.StreamJob) -> str | None:
    """Where the stream stands; None before its first batch."""
    try:
        row = conn.execute(_AT, (job.name,)).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return None if row is None else str(row[0])
