"""``python -m tidewright.pipelines.stream --job FILE``: follow a topic until told to end."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from tidewright.model import codec, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.mover import report
from tidewright.pipelines.stream import loop


def main() -> int:
    """0 when asked to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    parser = argparse.ArgumentParser(prog="tidewright.pipelines.stream")
    parser.add_argument("--job", type=Path, required=True)
    job = codec.loads(jobs.StreamJob, parser.parse_args().job.read_text(encoding="utf-8"))
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    with report.Report(Path(str(job.status)), "stream") as voice:
        loop.Loop(job, voice, ending, faults.from_environment(os.environ, faults.STREAMING)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
