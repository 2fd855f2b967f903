"""A cut, from the worker's side and from the asker's: one row beside the catalog.

The asker writes ``hold``; the worker finishes its commit and answers ``held``. The asker opens a
snapshot of the source, learns its position, and writes ``go`` with it; the worker commits exactly
there and answers ``done`` with the commit's number. ``released``, or the deadline, ends it. Reads
of the asker may go on after that: its snapshot of the source is its own, and files of the commit
stay for a grace, or as long as the asker holds the lake (``lake/reading``).
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import psycopg

from tidewright import errors
from tidewright.model import flow as flows
from tidewright.pipelines.lake import catalog

DDL = """
create table if not exists tidewright_cuts (
  id uuid primary key, flow text not null, state text not null, position text, commit_id bigint,
  until timestamptz not null);
alter table tidewright_cuts
  add column if not exists asked_at timestamptz not null default clock_timestamp()
"""
LOCK = "select pg_advisory_xact_lock(hashtext('tidewright cuts'))"
ASK = (
    "insert into tidewright_cuts (id, flow, state, until)"
    " values (%s, %s, 'hold', clock_timestamp() + make_interval(secs => %s))"
)


@dataclass(frozen=True, slots=True)
class Request:
    """The oldest open cut of a flow. ``position`` is set once the asker knows it."""

    id: uuid.UUID
    state: str
    position: int | None


def prepare(conn: psycopg.Connection) -> None:
    """Create the table where it is missing; both sides may do so at the same moment."""
    with conn.transaction():
        conn.execute(LOCK)
        conn.execute(DDL)


def current(conn: psycopg.Connection, flow: str) -> Request | None:
    """What is asked for now; requests past their deadline do not count."""
    row = conn.execute(
        "select id, state, position from tidewright_cuts where flow = %s"
        " and state in ('hold', 'held', 'go', 'done') and until > clock_timestamp()"
        " order by asked_at, id limit 1",
        (flow,),
    ).fetchone()
    if row is None:
        return None
    return Request(row[0], row[1], flows.lsn_value(row[2]) if row[2] else None)


def answer(conn: psycopg.Connection, request: Request, state: str, commit_id: int | None) -> None:
    """The worker's word: ``held`` or ``done``."""
    conn.execute(
        "update tidewright_cuts set state = %s, commit_id = %s where id = %s",
        (state, commit_id, request.id),
    )


class Asking:
    """The asker's side: ``with Asking(conn, flow, seconds) as cut``, then ``held``, then ``at``."""

    def __init__(self, conn: psycopg.Connection, flow: str, seconds: float) -> None:
        self._conn = conn
        self._flow = flow
        self._seconds = seconds
        self._id = uuid.uuid4()

    def __enter__(self) -> Asking:
        with catalog.reaching(self._flow):
            prepare(self._conn)
        self._run(ASK, self._id, self._flow, self._seconds)
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def release(self) -> None:
        """Let the worker go on. What was pinned stays readable."""
        self._run("delete from tidewright_cuts where id = %s", self._id)

    def held(self) -> None:
        """Wait until the worker stands still after a commit."""
        self._wait("held")

    def at(self, position: int) -> int:
        """Ask for a commit exactly at ``position``; answers its number once it is there."""
        go = "update tidewright_cuts set state = 'go', position = %s where id = %s"
        self._run(go, flows.lsn_text(position), self._id)
        return self._wait("done")

    def _run(self, query: str, *values: object) -> psycopg.Cursor:
        with catalog.reaching(self._flow):
            return self._conn.execute(query.encode(), values)

    def _wait(self, wanted: str) -> int:
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            asked = "select state, commit_id from tidewright_cuts where id = %s"
            row = self._run(asked, self._id).fetchone()
            if row is not None and row[0] == wanted:
                return int(row[1] or 0)
            if row is not None and row[0] == "missed":
                raise _missed(self._flow)
            time.sleep(0.02)
        raise errors.TimedOut(
            "lake.cut_not_reached",
            f"capture did not answer '{wanted}' within {self._seconds:.0f} s",
            f"flow {self._flow}",
            "Look at `tidewright status`: capture must be running and not far behind.",
        )


def _missed(flow: str) -> errors.StepFailed:
    return errors.StepFailed(
        "lake.cut_missed",
        "capture had already gone past the cut: it started again, or the cut took too long",
        f"flow {flow}",
        "Run the command again.",
    )
