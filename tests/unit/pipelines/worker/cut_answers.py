"""Capture's side of one cut without a worker: a thread that answers as it was told to."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tidewright.pipelines.worker import cuts
from tidewright.testing.postgres import TempPostgres

SECONDS = 20.0


@contextmanager
def answering(
    server: TempPostgres, catalog: str, last: str = "done", commit_id: int = 7, times: int = 1
) -> Iterator[list[cuts.Request]]:
    """Answer ``held``, then ``last`` once a position is known; yields the requests as seen.

    ``times``: how many cuts are answered, one after the other.
    """
    seen: list[cuts.Request] = []
    ending = threading.Event()
    thread = threading.Thread(
        target=_answer, args=(server, catalog, last, commit_id, seen, times, ending)
    )
    thread.start()
    try:
        yield seen
    finally:
        ending.set()
        thread.join(SECONDS)


def _answer(
    server: TempPostgres,
    catalog: str,
    last: str,
    commit_id: int,
    seen: list[cuts.Request],
    times: int,
    ending: threading.Event,
) -> None:
    deadline = time.monotonic() + SECONDS
    with server.connect(catalog) as conn:
        cuts.prepare(conn)
        done: set[uuid.UUID] = set()
        while len(done) < times and not ending.is_set() and time.monotonic() < deadline:
            asked = cuts.current(conn, "bank")
            if asked is not None and asked.position is not None and asked.id not in done:
                seen.append(asked)
                cuts.answer(conn, asked, last, commit_id)
                done.add(asked.id)
            if asked is not None and asked.state == "hold":
                seen.append(asked)
                cuts.answer(conn, asked, "held", None)
            time.sleep(0.005)
