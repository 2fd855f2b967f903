"""The loop of one sender: load the script, keep the pace, send, report.

The job file is read again when it changes, so the rate follows an edit without a restart.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tidewright import errors
from tidewright.kit import files
from tidewright.model import jobs
from tidewright.pipelines.senders import door, ledger
from tidewright.pipelines.workload import jobfile, pace, report, script
from tidewright.vault import files as vault

TICK = 0.05
PAUSE = 0.5
MOST = 10_000  # events asked of a script at once, so that the status file stays fresh


class Runner:
    """Plays the visitors of one endpoint."""

    def __init__(self, job_file: Path) -> None:
        self.file = jobfile.JobFile(job_file, jobs.SenderJob)
        self.report = report.Report(Path(str(self.job.status)))
        folder = files.private_folder(Path(str(self.job.ledger)))
        self.book = ledger.Ledger(folder)
        token = vault.read(str(self.job.secrets), self.job.token.name)
        self.door = door.Door(str(self.job.url), token, self.book, self._breathe)
        self.script: script.Script | None = None
        self.pace = pace.Pace(time.monotonic())

    @property
    def job(self) -> jobs.SenderJob:
        """What the job file last said."""
        return self.file.job

    def run(self) -> None:
        """Until the process is told to end."""
        try:
            self.door.again()
            while True:
                self.turn()
        finally:
            self.door.close()
            self.report.say("stopped", healthy=False, now=True)

    def turn(self) -> None:
        """Send what is due, or say what is wrong with the script and wait."""
        self._follow_job()
        try:
            self._work(self._ready())
        except errors.PlatformError as problem:
            self.script = None
            self._breathe(problem.finding.line)

    def _ready(self) -> script.Script:
        if self.script is None or self.script.is_stale():
            self.script = script.load(Path(str(self.job.script)))
            self._call(self.script.setup, self.door)
            self.pace.forgive(time.monotonic())
        return self.script

    def _work(self, loaded: script.Script) -> None:
        due = self.pace.due(time.monotonic(), self.job.rate)
        if not due:
            self.door.settle()
            self.report.say(self._aim(), healthy=True)
            time.sleep(TICK)
            return
        made = int(self._call(loaded.step, self.door, min(due, MOST)) or 0)
        self.pace.made(made)
        if self.pace.owed < door.MOST_EVENTS:
            self.door.settle()
            time.sleep(TICK)
        self.report.made(self.door.sent - self.report.changes)
        self.report.say(self._aim(), healthy=True)

    def _call(self, function: Any, *arguments: Any) -> Any:
        """Run the user's code; what it raises names its line."""
        try:
            return function(*arguments)
        except errors.PlatformError:
            raise
        except Exception as reason:  # the user's function may raise anything at all
            raise script.failure(Path(str(self.job.script)), reason) from None

    def _aim(self) -> str:
        return f"aiming at {self.job.rate:g} events/s" if self.job.rate else "idle: the rate is 0"

    def _breathe(self, message: str) -> None:
        """Say what keeps us, and wait a little; the pace says how much of it is made up for."""
        self.report.say(message, healthy=False)
        time.sleep(PAUSE)

    def _follow_job(self) -> None:
        before = self.job
        if self.file.changed() and self.job.script != before.script:
            self.script = None
