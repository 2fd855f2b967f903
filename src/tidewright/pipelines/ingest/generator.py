"""``python -m tidewright.pipelines.ingest.generator --job FILE``: files that arrive, by a script.

The script has ``setup(landing)`` and ``step(landing, rows)``: the folder to fill, and how many rows
are due; ``step`` returns how many it made. It is loaded anew when it changes, as is the rate.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tidewright import errors
from tidewright.kit import files
from tidewright.model import jobs
from tidewright.pipelines.workload import jobfile, pace, report, script

TICK = 0.2
PAUSE = 2.0


class Generator:
    """Keeps one script going."""

    def __init__(self, job_file: Path) -> None:
        self.file = jobfile.JobFile(job_file, jobs.GeneratorJob)
        self.report = report.Report(Path(str(self.job.status)))
        self.script: script.Script | None = None
        self.pace = pace.Pace(time.monotonic())

    @property
    def job(self) -> jobs.GeneratorJob:
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
        try:
            self.file.changed()
            self._work(self._ready())
        except errors.PlatformError as problem:
            self.script = None
            self.report.say(problem.finding.line, healthy=False, now=True)
            time.sleep(PAUSE)

    def _ready(self) -> script.Script:
        if self.script is None or self.script.is_stale():
            loaded = script.load(Path(str(self.job.script)))
            landing = files.private_folder(Path(str(self.job.landing)))
            self._call(loaded.setup, landing)
            self.script = loaded
            self.pace.forgive(time.monotonic())
        return self.script

    def _work(self, loaded: script.Script) -> None:
        due = self.pace.due(time.monotonic(), self.job.rate)
        made = int(self._call(loaded.step, Path(str(self.job.landing)), due) or 0) if due else 0
        self.pace.made(made)
        self.report.made(made)
        self.report.say(f"aiming at {self.job.rate:g} rows/s", healthy=True)
        time.sleep(TICK)

    def _call(self, function: Any, landing: Path, *arguments: int) -> Any:
        """Run the user's code; whatever it raises names its line."""
        try:
            return function(landing, *arguments)
        except Exception as reason:  # the user's function may raise anything at all
            raise script.failure(Path(str(self.job.script)), reason) from None


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-generator")
    parser.add_argument("--job", type=Path, required=True)
    job = parser.parse_args().job
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Generator(job).run()


if __name__ == "__main__":
    main()
