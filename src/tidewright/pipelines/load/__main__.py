"""``python -m tidewright.pipelines.load --job FILE``: pull one connector until told to end."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tidewright.model import jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.load import faults as points
from tidewright.pipelines.load import loop
from tidewright.pipelines.mover import entry, report

LONGEST = 300.0  # a connector may think for long before its first record


def work(job: jobs.LoadJob, ending: threading.Event, fault: faults.Fault) -> None:
    with report.Report(Path(str(job.status)), "load", LONGEST) as voice:
        loop.Loop(job, voice, ending, fault).run()


if __name__ == "__main__":
    sys.exit(entry.run("load", jobs.LoadJob, points.POINTS, work))
