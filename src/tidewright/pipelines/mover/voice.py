"""For a mover whose turns are short: it speaks in its turns, each half second or at a change.

What it does not say stays as it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tidewright.model import observed
from tidewright.pipelines.mover import statusfile

EVERY = 0.5
RATE_SECONDS = 5.0


class Voice:
    """Used from one thread."""

    def __init__(self, file: Path, stage: str) -> None:
        self._file = statusfile.StatusFile(file, stage)
        self._next = 0.0
        self._marks: list[tuple[float, int]] = []

    @property
    def status(self) -> observed.MoverStatus:
        """The last word."""
        return self._file.status

    def hop(self, name: str, milliseconds: Iterable[float]) -> None:
        """How long rows took to here; percentiles are over the last minute."""
        self._file.aged({name: milliseconds})

    def say(self, *, now: bool = False, **changes: Any) -> None:
        """Write the file if it is time, or something important changed."""
        before = self.status
        self._file.change(changes)
        if now or time.monotonic() >= self._next or _told(self.status) != _told(before):
            self._next = time.monotonic() + EVERY
            self._file.write()

    def rate(self, total: int) -> float:
        """Rows per second over the last few seconds, of a number that only grows."""
        now = time.monotonic()
        self._marks.append((now, total))
        while len(self._marks) > 2 and self._marks[0][0] < now - RATE_SECONDS:
            self._marks.pop(0)
        then, before = self._marks[0]
        return round(max(0, total - before) / max(now - then, EVERY), 1)


def _told(status: observed.MoverStatus) -> tuple[str, bool, str]:
    return status.state, status.healthy, status.message
