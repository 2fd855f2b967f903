"""How fresh the lake and the marts really are: a writer at the source, and separate readers.

The writer changes one row and notes when its commit returned. The readers are other connections
and another DuckDB than any service's; a change counts as seen when the reader's own answer has it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import psycopg

from tidewright.clients import duckdb as ducks
from tidewright.clients import postgres
from tidewright.model import flow, jobs, observed
from tidewright.operations import lakeside, state
from tidewright.pipelines.lake import reader

WRITE_EVERY = 0.25
LOOK_EVERY = 0.02
CURRENT = "source_to_reader"
MARTS = "source_to_marts"
# The bank's own user: the workload never touches its e-mail address.
WRITE = "update bank.users set email = %s where id = 1"
TABLE = "bank.users"
READ = "select email from {source} where id = 1"
LATE = 4  # probes on their way when a reader is a second behind
PUBLISHED = "select position from marts.tidewright_publications order by published_at desc limit 1"


@dataclass(slots=True)
class Sent:
    """Probes on their way: number -> when the commit returned, and its place in the log."""

    at: dict[int, float] = field(default_factory=dict)
    lsn: dict[int, int] = field(default_factory=dict)
    seen: dict[str, list[float]] = field(default_factory=lambda: {CURRENT: [], MARTS: []})


class Probe:
    """``start``, wait, ``stop``; then ``percentiles`` per hop, in milliseconds."""

    def __init__(
        self, capture: jobs.CaptureJob, workload: jobs.WorkloadJob, marts: flow.Connection
    ) -> None:
        self._capture, self._workload, self._marts = capture, workload, marts
        self._secrets = str(capture.secrets)
        self._sent = Sent()
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), daemon=True)
            for work in (self._write, self._look, self._look_at_marts)
        ]
        self.problem: Exception | None = None
        self._before: dict[str, int] = {}

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End within a moment; the last probes may stay unseen and do not count."""
        self._ending.set()
        for thread in self._threads:
            thread.join(10)

    def caught_up(self) -> bool:
        """Whether a reader of current state is at most a second behind the source now."""
        sent = len(self._sent.at)
        return sent > LATE and sent - len(self._sent.seen[CURRENT]) <= LATE

    def begin(self) -> None:
        """What was seen so far does not count."""
        self._before = {hop: len(seconds) for hop, seconds in self._sent.seen.items()}

    def percentiles(self) -> dict[str, observed.Percentiles]:
        """p50, p95 and p99 of each hop that saw anything."""
        found = {}
        for hop, seconds in self._sent.seen.items():
            counted = seconds[self._before.get(hop, 0) :]
            if counted:
                values = np.percentile(np.asarray(counted) * 1000, (50, 95, 99))
                found[hop] = observed.Percentiles(*(round(float(v), 1) for v in values))
        return found

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as problem:  # a thread's error must reach the caller, whatever it is
            self.problem = problem

    def _write(self) -> None:
        number = 0
        with postgres.connect(self._workload.source, self._secrets) as conn:
            while not self._ending.wait(WRITE_EVERY):
                number += 1
                conn.execute(WRITE, (f"probe-{number}@example.com",))
                self._sent.at[number] = time.monotonic()
                row = conn.execute("select pg_current_wal_insert_lsn()::text").fetchone()
                self._sent.lsn[number] = flow.lsn_value(row[0]) if row else 0

    def _look(self) -> None:
        """Scan the table anew whenever its pointer moved."""
        duck, before = ducks.connect(threads=1), None
        with postgres.connect(self._capture.lake.catalog, self._secrets) as conn:
            while not self._ending.wait(LOOK_EVERY):
                source = _source(reader.pin(conn, self._capture.name))
                if source is None or source == before:
                    continue
                before = source
                rows = duck.execute(READ.format(source=source)).fetchall()
                self._arrived(CURRENT, _number(str(rows[0][0])) if rows else 0)

    def _look_at_marts(self) -> None:
        with postgres.connect(self._marts, self._secrets) as conn:
            while not self._ending.wait(LOOK_EVERY):
                try:
                    row = conn.execute(PUBLISHED).fetchone()
                except psycopg.errors.UndefinedTable:
                    continue
                if row is not None:
                    position = flow.lsn_value(str(row[0]))
                    done = [n for n, lsn in list(self._sent.lsn.items()) if lsn <= position]
                    self._arrived(MARTS, max(done, default=0))

    def _arrived(self, hop: str, upto: int) -> None:
        """Every probe up to this number can be read at this hop now."""
        now, seen = time.monotonic(), self._sent.seen[hop]
        for number in range(len(seen) + 1, upto + 1):
            seen.append(now - self._sent.at[number])


def of(environment: state.Environment) -> Probe | None:
    """A probe where the bank is captured from a source that we may write to; else None."""
    captures = dict(lakeside.of_kind(environment, jobs.CaptureJob))
    workloads = dict(lakeside.of_kind(environment, jobs.WorkloadJob))
    marts = dict(lakeside.of_kind(environment, jobs.RefreshJob))
    for capture in captures.values():
        workload = workloads.get(f"workload-{capture.source.name}")
        if workload is not None and marts and TABLE in capture.capture.tables:
            return Probe(capture, workload, next(iter(marts.values())).marts)
    return None


def _source(pinned: reader.Pinned | None) -> str | None:
    """What DuckDB selects from to read the probed table at this commit."""
    found = reader.views(pinned) if pinned else ()
    return next((v.source for v in found if f"{v.schema}.{v.table}" == TABLE), None)


def _number(email: str) -> int:
    name, _, number = email.partition("@")[0].partition("-")
    return int(number) if name == "probe" else 0
