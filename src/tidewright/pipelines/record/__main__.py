"""``python -m tidewright.pipelines.record --job FILE``: record moments until told to end."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tidewright import errors
from tidewright.model import native
from tidewright.pipelines.core import faults
from tidewright.pipelines.mover import entry, voice
from tidewright.pipelines.record import recorder

AGAIN = 2.0  # seconds until the next try after something was away


def work(job: native.RecordJob, ending: threading.Event, _fault: faults.Fault) -> None:
    told = voice.Voice(Path(str(job.status)), "capture")
    told.say(now=True, message="waiting for the first checkpoint", state="running")
    while not ending.is_set():
        try:
            with _opened(job, told) as one:
                while not ending.is_set():
                    one.turn()
        except (errors.StepFailed, psycopg.Error, OSError) as reason:
            what = str(reason.finding) if isinstance(reason, errors.StepFailed) else str(reason)
            told.say(message=f"waiting: {what}".strip())
            entry.log.warning("%s", what)
            ending.wait(AGAIN)
    told.say(now=True, state="stopped", healthy=False, message="stopped")


@contextlib.contextmanager
def _opened(job: native.RecordJob, told: voice.Voice) -> Iterator[recorder.Recorder]:
    one = recorder.Recorder(job, told)
    try:
        yield one
    finally:
        one.close()


if __name__ == "__main__":
    sys.exit(entry.run("record", native.RecordJob, {}, work))
