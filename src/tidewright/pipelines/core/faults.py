"""The twelve named points at which a crash of the worker is tried, in the order they are passed.

A fault is a callable that gets the point's name; the real one does nothing. ``TIDEWRIGHT_FAULT``
(``point`` or ``point:n`` for its n-th passing) makes the worker kill itself there with SIGKILL:
for tests, harmless otherwise.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import TypeAlias

Fault: TypeAlias = Callable[[str], None]

POINTS: Mapping[str, str] = {
    "opened": "the lease is taken and the last commit read",
    "slot_made": "publication and slot exist, nothing is copied",
    "copy_begun": "the snapshot is open and the first rows are staged",
    "copy_done": "the copy is staged, not committed",
    "pulled": "transactions are staged in memory and files",
    "data_written": "data and delete files are written, not synced",
    "synced": "files and folders are on disk",
    "staged": "metadata files are written",
    "before_swap": "inside the database transaction, before its commit",
    "swapped": "the commit is in the database, its answer not yet used",
    "committed": "the commit is known, the slot not yet moved",
    "advanced": "the slot has moved",
}
# Those of the producers of a topic, in the same order of one append.
APPENDING: Mapping[str, str] = {
    "pulled_events": "the user's script gave events, none is appended",
    "appended": "inside the transaction that appends a batch, before its commit",
    "append_committed": "the batch is in the topic, its answer not yet used",
}
# Those of the stream step, in the order of one micro-batch.
STREAMING: Mapping[str, str] = {
    "batch_read": "new events are read from the lake, nothing is routed",
    "batch_routed": "every event has its place, nothing is written",
    "views_written": "inside the transaction that writes rows and position, before its commit",
    "views_committed": "rows and position are in the keyed database, its answer not yet used",
}
# Those of the receiver, and of what lands sessions and rollups, in the order of one turn.
RECEIVING: Mapping[str, str] = {
    "received": "inside the transaction that takes batches, before its commit",
    "receive_committed": "the batches are in the topic, nobody has been answered",
}
LANDING: Mapping[str, str] = {
    "batch_read": "new events are read, nothing is written",
    "delta_written": "the Parquet files of a Delta commit are on disk",
    "delta_committed": "one Delta table has the new position, the next one not yet",
    "rolled": "inside the transaction that updates the rollups, before its commit",
    "rollup_committed": "the rollups have the new position",
}

VARIABLE = "TIDEWRIGHT_FAULT"


def none(point: str) -> None:
    """The fault of every day."""


def from_environment(environ: Mapping[str, str], points: Mapping[str, str] = POINTS) -> Fault:
    """``none``, or a fault that kills this process at the point the environment names."""
    return named(environ, VARIABLE, points)


def named(environ: Mapping[str, str], variable: str, points: Mapping[str, str]) -> Fault:
    """The same for another process, with a variable and points of its own."""
    wanted, _, number = environ.get(variable, "").partition(":")
    if not wanted:
        return none
    if wanted not in points:
        raise ValueError(f"{variable}={wanted}: the points are {', '.join(points)}")
    return _Killer(wanted, int(number or 1))


class _Killer:
    def __init__(self, point: str, number: int) -> None:
        self._point = point
        self._left = number

    def __call__(self, point: str) -> None:
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
