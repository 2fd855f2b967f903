"""``python -m tidewright.pipelines.load --job FILE``: pull one connector until told to end."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from tidewright.model import codec, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.load import faults as points
from tidewright.pipelines.load import loop, report

log = logging.getLogger("load")


def main() -> int:
    """0 when asked to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    parser = argparse.ArgumentParser(prog="tidewright.pipelines.load")
    parser.add_argument("--job", type=Path, required=True)
    job = codec.loads(jobs.LoadJob, parser.parse_args().job.read_text(encoding="utf-8"))
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    fault = faults.from_environment(os.environ, points.POINTS)
    try:
        with report.Report(Path(str(job.status))) as voice:
            loop.Loop(job, voice, ending, fault).run()
    except Exception as problem:  # the top: nothing below may end in a bare traceback
        place = traceback.extract_tb(problem.__traceback__)[-1]
        told = (type(problem).__name__, problem, Path(place.filename).name, place.lineno)
        log.error("this is a defect of tidewright: %s: %s (%s:%s)", *told)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
