"""``python -m tidewright.pipelines.rollup --job FILE``: keep tables until told to end."""

from __future__ import annotations

import sys
import threading

from tidewright.model import jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.mover import entry
from tidewright.pipelines.rollup import loop


def work(job: jobs.RollupJob, ending: threading.Event, fault: faults.Fault) -> None:
    loop.Loop(job, ending, fault).run()


if __name__ == "__main__":
    sys.exit(entry.run("rollup", jobs.RollupJob, faults.LANDING, work))
