"""One micro-batch after the other: look for a new commit, take, route, write, report.

What went wrong ends no process: it is said in the status file and tried again with growing
patience, from the position that is in the keyed database. After any doubt it is read there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import psycopg

from tidewright import errors
from tidewright.clients import duckdb as ducks
from tidewright.clients import postgres
from tidewright.model import flow, jobs, observed
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import between, reader
from tidewright.pipelines.mover import report, statusfile
from tidewright.pipelines.stream import batch, routing, views
from tidewright.pipelines.workload import script

log = logging.getLogger("stream")
REST = 0.1
PATIENCE = (0.2, 0.5, 1.0, 2.0, 5.0)
MEMORY = "512MB"
HOP = "topic_to_view"


class Loop:
    """``run`` until ``ending`` is set."""

    def __init__(
        self,
        job: jobs.StreamJob,
        voice: report.Report,
        ending: threading.Event,
        fault: faults.Fault = faults.none,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job, self.voice, self.ending = job, voice, ending
        self._fault, self._clock = fault, clock
        self._duck: duckdb.DuckDBPyConnection | None = None
        self._lake: psycopg.Connection | None = None
        self._keyed: psycopg.Connection | None = None
        self._views: views.Views | None = None
        self._router: routing.Router | None = None
        self._version = 0
        self._seen = 0
        self._standing = views.Standing()
        self._failures = 0
        self._rate = 0.0
        self._last = clock()

    def run(self) -> None:
        """Turn until the end."""
        try:
            while not self.ending.is_set():
                self.turn()
        finally:
            self._hang_up()

    def turn(self) -> None:
        """One batch; a short rest when there was nothing, a longer one after a failure."""
        try:
            busy = self._batch()
        except errors.PlatformError as problem:
            self._fail(problem.finding.line)
        except psycopg.Error as problem:
            self._fail(f"the store stopped answering: {str(problem).partition(chr(10))[0]}")
        except duckdb.Error as problem:
            self._fail(f"the lake cannot be read: {str(problem).partition(chr(10))[0]}")
        else:
            self._failures = 0
            if not busy:
                self.ending.wait(REST)

    def _batch(self) -> bool:
        duck, router, tables, lake = self._ready()
        pinned = reader.pin(lake, self.job.flow)
        if pinned is None or pinned.commit_id == self._seen:
            self._say("waiting for the topic" if pinned is None else "following")
            return False
        wanted = self._span(pinned)
        if wanted is None or wanted.empty:
            self._seen = pinned.commit_id
            return False
        taken = batch.take(duck, pinned, self.job.raw, wanted)
        self._fault("batch_read")
        router.route(duck, self.voice.alive)
        self._fault("batch_routed")
        self._standing = tables.write(duck, self._standing, taken.taken)
        if taken.taken.high == wanted.high:
            self._seen = pinned.commit_id
        self._measure(taken)
        self._say("following")
        return True

    def _span(self, pinned: reader.Pinned) -> between.Span | None:
        standing = self._standing
        try:
            return between.span(pinned, self.job.raw, standing.source, standing.position)
        except ValueError as reason:
            raise errors.Refused(
                "stream.identity", str(reason), f"stream {self.job.name}",
                "The topic began anew while the views did not: destroy the environment.",
            ) from None  # fmt: skip

    # -- what a turn needs --------------------------------------------------------------------

    def _ready(
        self,
    ) -> tuple[duckdb.DuckDBPyConnection, routing.Router, views.Views, psycopg.Connection]:
        """Connections, the SQL as the file has it now, and tables that fit it."""
        if self._duck is None:
            self._duck = ducks.connect(memory_limit=MEMORY, threads=2)
            self._duck.execute("set timezone = 'UTC'")
            folder = str(self.job.project).replace("'", "''")
            self._duck.execute(f"set file_search_path = '{folder}'")
        if self._lake is None or self._lake.closed:
            self._lake = postgres.connect(self.job.lake.catalog, Path(str(self.job.secrets)))
        if self._keyed is None or self._keyed.closed:
            self._keyed = postgres.connect(self.job.keyed, Path(str(self.job.secrets)))
            self._views = None
        file = Path(str(self.job.project)) / self.job.stream.sql
        if self._router is None or script.version(file) not in (0, self._version):
            self._version, self._router = script.version(file), None
            self._views = None
            self._router = _read(self.job.stream, file)
        if self._views is None:
            made = views.Views(self._keyed, self.job.name, self.job.stream, self._fault)
            batch.empty(self._duck)
            self._standing = made.prepare(self._router.columns(self._duck))
            self._views = made
        return self._duck, self._router, self._views, self._lake

    def _hang_up(self) -> None:
        for conn in (self._lake, self._keyed):
            if conn is not None:
                conn.close()
        self._lake = self._keyed = self._views = None

    # -- what it says -------------------------------------------------------------------------

    def _measure(self, taken: batch.Batch) -> None:
        now, clock = statusfile.now_ms(), self._clock()
        if taken.newest_ms is not None and taken.oldest_ms is not None:
            self.voice.aged({HOP: (float(now - taken.oldest_ms), float(now - taken.newest_ms))})
        self._rate = taken.events / max(clock - self._last, 0.001)
        self._last = clock

    def _say(self, message: str) -> None:
        stream, standing = self.job.stream, self._standing
        position = flow.lsn_text(standing.position)
        rate = round(self._rate, 1) if self._clock() - self._last < 5.0 else 0.0
        counts = ((stream.accepted, standing.accepted), (stream.rejects, standing.rejected))
        datasets = tuple(
            observed.DatasetState(table, "following", rows, rate, position, None)
            for table, rows in counts
        )
        self.voice.tell(
            state="running",
            healthy=True,
            message=message,
            position=position,
            changes=standing.events,
            datasets=datasets,
            counters={"accepted": standing.accepted, "rejected": standing.rejected},
        )

    def _fail(self, message: str) -> None:
        """Every failure leaves the position in doubt: it is read again with new connections."""
        self._hang_up()
        if self._failures == 0:
            log.warning("%s", message)
        wait = PATIENCE[min(self._failures, len(PATIENCE) - 1)]
        self._failures += 1
        self.voice.tell(state="degraded", healthy=False, message=message)
        self.ending.wait(wait)


def _read(stream: flow.Stream, file: Path) -> routing.Router:
    try:
        return routing.Router.of(stream, file.read_text(encoding="utf-8"))
    except OSError as reason:
        raise errors.StepFailed(
            "stream.sql", f"it cannot be read ({reason.strerror})", stream.sql,
            "Put the file back; it is looked for again and again.",
        ) from None  # fmt: skip
