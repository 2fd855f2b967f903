"""The light process: makes a branch for each run, lets a child fill it, merges what is green.

It loads no data library. Everything lasting is in the catalog database, so that a new runner goes
on from there: a run that was cut off is marked, a green branch is merged.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import uuid4

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import codec, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.ingest import attempt, outcome, points, report
from tidewright.pipelines.lake import branches, catalog

TICK = 0.2
PAUSE = 1.0  # seconds between attempts while the catalog is away, or before there is any data
MOST = 10  # branches kept that were not merged; an older one would show the same problem
SWEEP = 60.0  # seconds between looks for files that nothing needs


@dataclass(slots=True)
class _Clock:
    """When what is due; monotonic seconds."""

    run: float = 0.0
    sweep: float = field(default_factory=lambda: time.monotonic() + SWEEP)


class Runner:
    """One flow's runs, one after the other."""

    def __init__(self, job_file: Path) -> None:
        self.job_file = job_file
        self.job = codec.loads(jobs.IngestJob, job_file.read_text())
        self.fault = faults.from_environment(os.environ, points.POINTS)
        self.report = report.Report(self.job)
        self.clock = _Clock()
        self.epoch = 0
        self.attempt: attempt.Attempt | None = None
        self._conn: psycopg.Connection | None = None

    def run(self) -> None:
        """Until the process is told to end. Raises Refused when another runner took over."""
        try:
            while True:
                self.turn()
        finally:
            if self.attempt is not None:
                self.attempt.stop()
            self.report.stopped()

    def turn(self) -> None:
        """A moment of waiting, or one step of work."""
        try:
            conn = self._ready()
            if self.attempt is not None:
                self._attend(conn, self.attempt)
            elif time.monotonic() >= self.clock.run:
                self._start(conn)
            else:
                time.sleep(TICK)
            self.report.write()
        except (psycopg.OperationalError, postgres.NotThere) as reason:
            self._hang_up()
            self.report.lost(str(reason).partition("\n")[0])
            time.sleep(PAUSE)

    # -- one run ----------------------------------------------------------------------------

    def _start(self, conn: psycopg.Connection) -> None:
        made = branches.make(conn, self.job.name, self.epoch)
        if isinstance(made, branches.Wrong):
            raise _taken_over(made)
        self.fault("run_made")
        now = time.monotonic()
        self.clock.run = now + self.job.ingest.every
        sweeps = now >= self.clock.sweep
        if sweeps:
            self.clock.sweep = now + SWEEP
        self.attempt = attempt.Attempt(self.job_file, made, self.job.patience, sweeps=sweeps)
        self.report.says(f"{made} runs")

    def _attend(self, conn: psycopg.Connection, running: attempt.Attempt) -> None:
        """Wait a moment for the child; when it said its word, act on it."""
        news = running.listen(TICK)
        if news is None:
            return
        self.attempt = None
        branch = branches.find(conn, running.branch)
        if branch is None:
            return
        if branch.state in ("green", "red"):
            news = _told(branch)  # a verdict stands, however its process ended
        match news.state:
            case "green":
                self._merge(conn, branch, news)
            case "nothing":
                branches.forget(conn, branch)
                self._found_nothing(conn)
            case "lost":
                raise _taken_over(branches.Wrong("lease_lost", news.message))
            case "failed":
                branches.fail(conn, branch, news.message)
                self.report.held(branch, news)
            case "red":
                self.report.held(branch, news)
        self._retain(conn)

    def _found_nothing(self, conn: psycopg.Connection) -> None:
        self.report.well("waiting for new rows")
        if catalog.last_commit(conn, self.job.name) is None:
            self.clock.run = time.monotonic() + PAUSE

    def _merge(
        self, conn: psycopg.Connection, branch: branches.Branch, news: outcome.Outcome
    ) -> None:
        """Publish it. When main moved under it, the run is repeated at once from main as it is."""
        self.fault("merge_begun")
        order = branches.Order(self.job.name, branch.name, uuid4(), self.epoch, self.fault)
        done = branches.merge(conn, order)
        if isinstance(done, int):
            self.report.merged(branch, done, news)
        elif done.reason == "conflict":
            message = f"{done.detail} after it was made; the run is repeated from main as it is"
            branches.end(conn, branch.name, "stale", message)
            self.report.well(f"{branch.name}: {message}")
            self.clock.run = 0.0
        elif done.reason == "lease_lost":
            raise _taken_over(done)

    def _retain(self, conn: psycopg.Connection) -> None:
        """Drop what was kept long enough, and all but the newest few."""
        left = branches.every(conn, self.job.name)
        limit = time.time() * 1000 - self.job.ingest.keep * 1000
        for n, branch in enumerate(reversed(left)):
            if branch.state != "running" and (n >= MOST or branch.made_ms < limit):
                self.fault("drop_begun")
                branches.end(conn, branch.name, "dropped", f"{branch.message} (kept long enough)")
                self.fault("dropped")

    # -- the catalog ------------------------------------------------------------------------

    def _ready(self) -> psycopg.Connection:
        """The connection. On a new one everything that was left undone is settled first."""
        if self._conn is not None and not self._conn.closed:
            return self._conn
        conn = postgres.connect(self.job.lake.catalog, str(self.job.secrets), connect_timeout=3)
        branches.prepare(conn)
        if not self.epoch:
            self.epoch = catalog.take_lease(conn, self.job.name, f"ingest {os.getpid()}")
            branches.left_behind(conn, self.job.name, self.epoch)
            self.report.tables(branches.merged_rows(conn, self.job.name))
        self._conn = conn
        if self.attempt is None:
            for branch in branches.every(conn, self.job.name):
                if branch.state == "green":
                    self._merge(conn, branch, _told(branch))
        return conn

    def _hang_up(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def _told(branch: branches.Branch) -> outcome.Outcome:
    added = sum(t.added for t in branch.touched.values())
    state: Literal["green", "red"] = "green" if branch.state == "green" else "red"
    return outcome.Outcome(state, branch.message, added, branch.checks, tuple(branch.touched))


def _taken_over(wrong: branches.Wrong) -> errors.Refused:
    return errors.Refused(
        "ingest.taken_over", f"another runner took this flow over: {wrong.detail}",
        "service ingest", "Let one of them run; each start takes the flow over.",
    )  # fmt: skip
