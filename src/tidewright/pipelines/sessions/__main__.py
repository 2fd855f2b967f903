"""``python -m tidewright.pipelines.sessions --job FILE``: cut one topic until told to end."""

from __future__ import annotations

import sys
import threading

from tidewright.model import jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.mover import entry
from tidewright.pipelines.sessions import loop


def work(job: jobs.SessionsJob, ending: threading.Event, fault: faults.Fault) -> None:
    loop.Loop(job, ending, fault).run()


if __name__ == "__main__":
    sys.exit(entry.run("sessions", jobs.SessionsJob, faults.LANDING, work))
