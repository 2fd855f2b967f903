"""``python -m tidewright.pipelines.worker --job FILE``: capture one source until told to end."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from tidewright import errors
from tidewright.pipelines.core import faults
from tidewright.pipelines.worker import engine, loop, orders, patience, report

log = logging.getLogger("capture")


def main() -> int:
    """0 when asked to end, 4 when the core refused to go on."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    parser = argparse.ArgumentParser(prog="tidewright.pipelines.worker")
    parser.add_argument("--job", type=Path, required=True)
    given = orders.Orders(parser.parse_args().job)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    hands = engine.Engine(given.read(), faults.from_environment(os.environ))
    turning = loop.Loop(hands, report.Report(Path(str(hands.job.status))), ending, given)
    waiting = patience.Patience(turning.voice.still, lambda: hands.batch.changes)
    turning.begins = waiting.begin
    try:
        with waiting:
            stop = turning.run()
        if stop is not None:
            log.error("%s [%s]", stop.message, stop.code)
            turning.stand_still()
    except Exception as problem:  # the top: nothing below may end in a bare traceback
        place = traceback.extract_tb(problem.__traceback__)[-1]
        told = (type(problem).__name__, problem, Path(place.filename).name, place.lineno)
        log.error("this is a defect of tidewright: %s: %s (%s:%s)", *told)
        return 1
    finally:
        hands.close()
    return 0 if stop is None else errors.Refused.exit_code


if __name__ == "__main__":
    sys.exit(main())
