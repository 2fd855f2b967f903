"""The file ``run/mover-<service>.json``: the last word of a process that moves rows.

``voice`` and ``report`` decide when something is said; here it is put together and written.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tidewright.kit import files
from tidewright.model import codec, observed
from tidewright.pipelines.mover import window


class StatusFile:
    """Holds the word, the ages of the last minute, and the file. Used under one lock or thread."""

    def __init__(self, file: Path, stage: str) -> None:
        self._file = file
        self._window = window.Window()
        self.status = observed.MoverStatus(
            at_ms=now_ms(), pid=os.getpid(), stage=stage, healthy=True, state="starting",
            message="starting",
        )  # fmt: skip

    def change(self, changes: Mapping[str, Any]) -> bool:
        """From the next write on this is so. Whether any of it is new."""
        before, self.status = self.status, replace(self.status, **changes)
        return before != self.status

    def aged(self, ages_ms: Mapping[str, Iterable[float]]) -> None:
        """Rows became readable at these ages, by hop."""
        self._window.add(now_ms(), ages_ms)

    def write(self) -> None:
        """Replace the file. A full disk must not end us; the supervisor says so without it."""
        now = now_ms()
        self.status = replace(self.status, at_ms=now, hops=self._window.hops(now))
        with contextlib.suppress(OSError):
            files.replace(self._file, codec.dumps(self.status), sync=False)


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000
