"""The loop of one workload process: connect, set up, keep the pace, report, start over on failure.

The job file is read again when it changes, so the rate follows an edit without a restart.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.kit import files
from tidewright.model import codec, jobs, observed
from tidewright.pipelines.workload import pace, script

TICK = 0.1
PAUSES = (0.5, 1.0, 2.0, 5.0)  # seconds between attempts; the last one repeats
CONNECT = 3  # seconds; short, so that the status file stays fresh meanwhile


class Runner:
    """Keeps one script going against one source."""

    def __init__(self, job_file: Path) -> None:
        self.job_file = job_file
        self.version = script.version(job_file)
        self.job = read_job(job_file)
        self.connection: psycopg.Connection[Any] | None = None
        self.script: script.Script | None = None
        self.pace = pace.Pace(time.monotonic())
        self.meter = pace.Meter()
        self.changes = 0
        self.failures = 0
        self.reported = 0.0

    def run(self) -> None:
        """Until the process is told to end."""
        try:
            while True:
                self.turn()
        finally:
            self._report(healthy=False, message="stopped", now=True)

    def turn(self) -> None:
        """One tick of work, or one failed attempt followed by a pause."""
        self._follow_job()
        try:
            self._work(*self._ready())
        except errors.PlatformError as problem:
            self._fail(problem.finding.line)
        except psycopg.OperationalError as reason:
            self._fail(f"the connection to the source was lost: {_first_line(reason)}")

    def _ready(self) -> tuple[script.Script, psycopg.Connection[Any]]:
        """The loaded script and a connection on which its ``setup`` has run."""
        if self.script is None or self.script.is_stale():
            self._drop()
            self.script = script.load(Path(str(self.job.script)))
        if self.connection is None or self.connection.closed:
            self._report(healthy=False, message="connecting to the source")
            opened = postgres.connect(
                self.job.source, str(self.job.secrets), connect_timeout=CONNECT
            )
            self.connection = opened
            self._call(self.script.setup, opened)
            self.pace.forgive(time.monotonic())
        return self.script, self.connection

    def _work(self, loaded: script.Script, connection: psycopg.Connection[Any]) -> None:
        due = self.pace.due(time.monotonic(), self.job.rate)
        made = int(self._call(loaded.step, connection, due) or 0) if due else 0
        self.pace.made(made)
        self.changes += made
        self.meter.add(time.monotonic(), made)
        self.failures = 0
        self._report(healthy=True, message=self._aim())
        if made == 0 or self.pace.owed < 1:
            time.sleep(TICK)

    def _call(self, function: Any, connection: psycopg.Connection[Any], *arguments: int) -> Any:
        """Run the user's code. Whatever it raises, except a lost connection, names its line."""
        try:
            return function(connection, *arguments)
        except Exception as reason:  # the user's function may raise anything at all
            if isinstance(reason, psycopg.OperationalError) and connection.closed:
                raise
            raise script.failure(Path(str(self.job.script)), reason) from None

    def _aim(self) -> str:
        return f"aiming at {self.job.rate:g} changes/s" if self.job.rate else "idle: the rate is 0"

    def _fail(self, message: str) -> None:
        """Say why, drop the connection and wait, longer each time, with a fresh status file."""
        self._drop()
        pause = PAUSES[min(self.failures, len(PAUSES) - 1)]
        self.failures += 1
        end = time.monotonic() + pause
        self._report(healthy=False, message=message, now=True)
        while time.monotonic() < end:
            time.sleep(TICK)
            self._report(healthy=False, message=message)

    def _drop(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def _follow_job(self) -> None:
        seen = script.version(self.job_file)
        if seen in (0, self.version):
            return
        self.version = seen
        try:
            new = read_job(self.job_file)
        except ValueError:
            return  # a half-written file is followed by a whole one, with another time
        if new.source != self.job.source:
            self._drop()
        if new.script != self.job.script:
            self.script = None
        self.job = new

    def _report(self, *, healthy: bool, message: str, now: bool = False) -> None:
        """Replace the status file, each second or at once."""
        clock = time.monotonic()
        if not now and clock - self.reported < 1.0:
            return
        self.reported = clock
        status = observed.WorkloadStatus(
            at_ms=time.time_ns() // 1_000_000,
            pid=os.getpid(),
            healthy=healthy,
            message=message,
            changes=self.changes,
            rate=round(self.meter.rate(clock), 1),
        )
        with contextlib.suppress(OSError):  # a full disk must not end us
            files.replace(Path(str(self.job.status)), codec.dumps(status), sync=False)


def read_job(path: Path) -> jobs.WorkloadJob:
    """Raises ValueError when the file does not hold a whole job."""
    return codec.loads(jobs.WorkloadJob, path.read_text())


def _first_line(reason: Exception) -> str:
    return next(iter(str(reason).strip().splitlines()), type(reason).__name__)
