"""``python -m tidewright.pipelines.sessions --job FILE``: cut one topic until told to end."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from tidewright import errors
from tidewright.model import codec, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.sessions import loop

log = logging.getLogger("sessions")


def main() -> int:
    """0 when asked to end; the error family's code when it cannot go on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    parser = argparse.ArgumentParser(prog="tidewright.pipelines.sessions")
    parser.add_argument("--job", type=Path, required=True)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    try:
        job = codec.loads(jobs.SessionsJob, parser.parse_args().job.read_text())
        loop.Loop(job, ending, faults.from_environment(os.environ, faults.LANDING)).run()
    except errors.PlatformError as reason:
        log.error("%s", reason.finding.line)
        return reason.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
