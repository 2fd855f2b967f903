"""The start of a mover: its job file, its log, a clean end on SIGTERM, and no bare traceback."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from tidewright import errors
from tidewright.model import codec
from tidewright.pipelines.core import faults

T = TypeVar("T")

log = logging.getLogger("mover")


def run(
    stage: str,
    kind: type[T],
    points: Mapping[str, str],
    work: Callable[[T, threading.Event, faults.Fault], None],
) -> int:
    """``work`` until it returns; its event is set when the process is asked to end.

    ``points``: the fault points of this process. Returns 0 when asked to end, the error family's
    code when it cannot go on, and 1 for a defect.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    parser = argparse.ArgumentParser(prog=f"tidewright.pipelines.{stage}")
    parser.add_argument("--job", type=Path, required=True)
    file = parser.parse_args().job
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    try:
        job = codec.loads(kind, file.read_text(encoding="utf-8"))
        work(job, ending, faults.from_environment(os.environ, points))
    except errors.PlatformError as problem:
        log.error("%s", problem.finding.line)
        return problem.exit_code
    except Exception as problem:  # the top: nothing below may end in a bare traceback
        place = traceback.extract_tb(problem.__traceback__)[-1]
        told = (type(problem).__name__, problem, Path(place.filename).name, place.lineno)
        log.error("this is a defect of tidewright: %s: %s (%s:%s)", *told)
        return 1
    return 0
