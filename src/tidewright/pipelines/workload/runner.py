"""The loop of one workload process: connect, set up, keep the pace, report, start over on failure.

The job file is read again when it changes, so the rate follows an edit without a restart.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import jobs
from tidewright.pipelines.workload import jobfile, pace, report, script

TICK = 0.1
PAUSES = (0.5, 1.0, 2.0, 5.0)  # seconds between attempts; the last one repeats
CONNECT = 3  # seconds; short, so that the status file stays fresh meanwhile


class Runner:
    """Keeps one script going against one source."""

    def __init__(self, job_file: Path) -> None:
        self.file = jobfile.JobFile(job_file, jobs.WorkloadJob)
        self.report = report.Report(Path(str(self.job.status)))
        self.connection: psycopg.Connection[Any] | None = None
        self.script: script.Script | None = None
        self.pace = pace.Pace(time.monotonic())
        self.failures = 0

    @property
    def job(self) -> jobs.WorkloadJob:
        """What the job file last said."""
        return self.file.job

    def run(self) -> None:
        """Until the process is told to end."""
        try:
            while True:
                self.turn()
        finally:
            self.report.say("stopped", healthy=False, now=True)

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
            self.report.say("connecting to the source", healthy=False)
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
        self.report.made(made)
        self.failures = 0
        self.report.say(self._aim(), healthy=True)
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
        self.report.say(message, healthy=False, now=True)
        while time.monotonic() < end:
            time.sleep(TICK)
            self.report.say(message, healthy=False)

    def _drop(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def _follow_job(self) -> None:
        before = self.job
        if not self.file.changed():
            return
        if self.job.source != before.source:
            self._drop()
        if self.job.script != before.script:
            self.script = None


def _first_line(reason: Exception) -> str:
    return next(iter(str(reason).strip().splitlines()), type(reason).__name__)
