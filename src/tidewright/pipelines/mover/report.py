"""What a mover says of itself: ``run/mover-<service>.json``, and signs of life while it works."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tidewright.kit import files
from tidewright.model import codec, observed
from tidewright.pipelines.refresh import freshness

LONGEST = 120.0  # without any progress for so long we fall silent, and are started again
REST = 0.25  # how often an idle word is written anew


class Report:
    """Owns the status file. A thread repeats the last word each second while we get on."""

    def __init__(self, file: Path, stage: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._window = freshness.Window()
        self._alive, self._written = clock(), 0.0
        self._ending = threading.Event()
        self.status = observed.MoverStatus(
            at_ms=now_ms(), pid=os.getpid(), stage=stage, healthy=True, state="starting",
            message="starting",
        )  # fmt: skip
        self._thread = threading.Thread(target=self._repeat, name="report", daemon=True)

    def __enter__(self) -> Report:
        self._write()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ending.set()
        self._thread.join()
        self.tell(state="stopped", healthy=False, message="stopped")

    def alive(self) -> None:
        """Something was done; called often."""
        self._alive = self._clock()

    def tell(self, **changes: Any) -> None:
        """From now on this is so."""
        self.alive()
        with self._lock:
            news = any(getattr(self.status, key) != value for key, value in changes.items())
            self.status = replace(self.status, **changes)
        if news or self._clock() > self._written + REST:
            self._write()

    def aged(self, ages_ms: Mapping[str, Iterable[float]]) -> None:
        """Rows became readable at these ages, by hop."""
        with self._lock:
            self._window.add(now_ms(), ages_ms)

    def _repeat(self) -> None:
        while not self._ending.wait(1.0):
            if self._clock() - self._alive < LONGEST:
                self._write()

    def _write(self) -> None:
        with self._lock:
            now, self._written = now_ms(), self._clock()
            self.status = replace(self.status, at_ms=now, hops=self._window.hops(now))
            # A full disk must not end us; without a new file the supervisor says so.
            with contextlib.suppress(OSError):
                files.replace(self._file, codec.dumps(self.status), sync=False)


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000
