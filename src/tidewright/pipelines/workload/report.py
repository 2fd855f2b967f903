"""What a process says that stands in for the world: ``run/workload-<name>.json``."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from tidewright.kit import files
from tidewright.model import codec, observed
from tidewright.pipelines.workload import pace

EVERY = 1.0


class Report:
    """Counts what is made (``changes``) and replaces the status file, each second or at once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._meter = pace.Meter()
        self.changes = 0
        self._told = 0.0

    def made(self, changes: int) -> None:
        """So many more."""
        self.changes += changes
        self._meter.add(time.monotonic(), changes)

    def say(self, message: str, *, healthy: bool, now: bool = False) -> None:
        """How it is. A full disk must not end us."""
        clock = time.monotonic()
        if not now and clock - self._told < EVERY:
            return
        self._told = clock
        status = observed.WorkloadStatus(
            at_ms=time.time_ns() // 1_000_000,
            pid=os.getpid(),
            healthy=healthy,
            message=message,
            changes=self.changes,
            rate=round(self._meter.rate(clock), 1),
        )
        with contextlib.suppress(OSError):
            files.replace(self._file, codec.dumps(status), sync=False)
