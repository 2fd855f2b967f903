"""How a process that moves rows says how it is: ``run/mover-<service>.json``, each half second.

A worker fills in what it counts; what it does not say stays as it was.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tidewright.kit import files
from tidewright.model import codec, observed
from tidewright.pipelines.refresh import freshness

EVERY = 0.5
RATE_SECONDS = 5.0


class Voice:
    """Owns one status file."""

    def __init__(self, file: Path, stage: str) -> None:
        self._file = file
        self._next = 0.0
        self._marks: list[tuple[float, int]] = []
        self.window = freshness.Window()
        self.status = observed.MoverStatus(
            at_ms=0, pid=os.getpid(), stage=stage, healthy=False, state="starting",
            message="starting",
        )  # fmt: skip

    def hop(self, name: str, milliseconds: Iterable[float]) -> None:
        """How long rows took to here; percentiles are over the last minute."""
        self.window.add(_now_ms(), {name: milliseconds})

    def say(self, *, now: bool = False, **changes: Any) -> None:
        """Write the file if it is time, or something important changed."""
        news = dataclasses.replace(self.status, **changes)
        told = (news.state, news.healthy, news.message)
        important = told != (self.status.state, self.status.healthy, self.status.message)
        self.status = news
        if not now and not important and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        at = _now_ms()
        self.status = dataclasses.replace(news, at_ms=at, hops=self.window.hops(at))
        with contextlib.suppress(OSError):  # a full disk must not end us
            files.replace(self._file, codec.dumps(self.status), sync=False)

    def rate(self, total: int) -> float:
        """Rows per second over the last few seconds, of a number that only grows."""
        now = time.monotonic()
        self._marks.append((now, total))
        while len(self._marks) > 2 and self._marks[0][0] < now - RATE_SECONDS:
            self._marks.pop(0)
        then, before = self._marks[0]
        return round(max(0, total - before) / max(now - then, EVERY), 1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
