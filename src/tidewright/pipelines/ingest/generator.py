"""``python -m tidewright.pipelines.ingest.generator --job FILE``: files that arrive, by a script.

The script has ``setup(landing)`` and ``step(landing, rows)``: the folder to fill, and how many rows
are due; ``step`` returns how many it made. It is loaded anew when it changes, as is the rate.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tidewright import errors
from tidewright.kit import files
from tidewright.model import codec, jobs, observed
from tidewright.pipelines.workload import pace, script

TICK = 0.2
PAUSE = 2.0


class Generator:
    """Keeps one script going."""

    def __init__(self, job_file: Path) -> None:
        self.job_file = job_file
        self.job = codec.loads(jobs.GeneratorJob, job_file.read_text())
        self.version = script.version(job_file)
        self.script: script.Script | None = None
        self.pace = pace.Pace(time.monotonic())
        self.meter = pace.Meter()
        self.made = 0

    def run(self) -> None:
        """Until the process is told to end."""
        try:
            while True:
                self.turn()
        finally:
            self._report(healthy=False, message="stopped")

    def turn(self) -> None:
        """One tick of work, or one failed attempt followed by a pause."""
        try:
            self._follow_job()
            self._work(self._ready())
        except errors.PlatformError as problem:
            self.script = None
            self._report(healthy=False, message=problem.finding.line)
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
        self.made += made
        self.meter.add(time.monotonic(), made)
        self._report(healthy=True, message=f"aiming at {self.job.rate:g} rows/s")
        time.sleep(TICK)

    def _call(self, function: Any, landing: Path, *arguments: int) -> Any:
        """Run the user's code; whatever it raises names its line."""
        try:
            return function(landing, *arguments)
        except Exception as reason:  # the user's function may raise anything at all
            raise script.failure(Path(str(self.job.script)), reason) from None

    def _follow_job(self) -> None:
        seen = script.version(self.job_file)
        if seen not in (0, self.version):
            self.version = seen
            with contextlib.suppress(ValueError):  # half written; a whole one follows
                self.job = codec.loads(jobs.GeneratorJob, self.job_file.read_text())

    def _report(self, *, healthy: bool, message: str) -> None:
        status = observed.WorkloadStatus(
            at_ms=time.time_ns() // 1_000_000, pid=os.getpid(), healthy=healthy, message=message,
            changes=self.made, rate=round(self.meter.rate(time.monotonic()), 1),
        )  # fmt: skip
        with contextlib.suppress(OSError):  # a full disk must not end us
            files.replace(Path(str(self.job.status)), codec.dumps(status), sync=False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-generator")
    parser.add_argument("--job", type=Path, required=True)
    job = parser.parse_args().job
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Generator(job).run()


if __name__ == "__main__":
    main()
