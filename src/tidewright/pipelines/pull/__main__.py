"""``python -m tidewright.pipelines.pull --job FILE``: pull until told to end."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tidewright.model import jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.mover import entry, report
from tidewright.pipelines.pull import loop


def work(job: jobs.PullJob, ending: threading.Event, fault: faults.Fault) -> None:
    with report.Report(Path(str(job.status)), "pull") as voice:
        loop.Loop(job, voice, ending, fault).run()


if __name__ == "__main__":
    sys.exit(entry.run("pull", jobs.PullJob, faults.APPENDING, work))
