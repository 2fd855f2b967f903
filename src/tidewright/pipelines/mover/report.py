"""For a mover whose steps may take long: a thread repeats the last word while we get on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tidewright.model import observed
from tidewright.pipelines.mover import statusfile

LONGEST = 120.0  # without any progress for so long we fall silent, and are started again
REST = 0.25  # how often an idle word is written anew


class Report:
    """``with Report(file, stage) as voice``: ``tell`` what is so, ``alive`` after each step.

    ``longest``: seconds without progress after which it falls silent.
    """

    def __init__(
        self,
        file: Path,
        stage: str,
        longest: float = LONGEST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = statusfile.StatusFile(file, stage)
        self._longest, self._clock = longest, clock
        self._lock = threading.Lock()
        self._alive, self._written = clock(), 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name="report", daemon=True)

    @property
    def status(self) -> observed.MoverStatus:
        """The last word."""
        return self._file.status

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
            news = self._file.change(changes)
        if news or self._clock() > self._written + REST:
            self._write()

    def aged(self, ages_ms: Mapping[str, Iterable[float]]) -> None:
        """Rows became readable at these ages, by hop."""
        with self._lock:
            self._file.aged(ages_ms)

    def _repeat(self) -> None:
        while not self._ending.wait(1.0):
            if self._clock() - self._alive < self._longest:
                self._write()

    def _write(self) -> None:
        with self._lock:
            self._written = self._clock()
            self._file.write()
