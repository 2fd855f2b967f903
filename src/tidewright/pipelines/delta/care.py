"""Upkeep of a Delta table: small files merged, and files removed that no kept version needs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from tidewright.pipelines.delta import table as tables

# Commits between two merges of one table; each commit adds a file or two to it.
MERGE_AFTER = 120
LARGE = 64 * 1024 * 1024
# Seconds between two looks for files that nobody needs.
SWEEP_EVERY = 60.0
GRACE = tables.KEPT_MINUTES * 60.0


class Care:
    """Call ``step`` after each commit; it does at most one small thing."""

    def __init__(self, table: tables.Table, merged: tuple[str | None, ...]) -> None:
        self._table, self._merged = table, merged
        self._commits = 0
        self._next_sweep = time.monotonic() + SWEEP_EVERY
        self._unused: dict[str, float] = {}

    def step(self) -> None:
        """Merge or sweep when it is time."""
        self._commits += 1
        if self._commits % MERGE_AFTER == 0:
            for partition in self._merged:
                self._table.merge_small(partition, LARGE)
        elif time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_EVERY
            self.sweep(time.monotonic())

    def sweep(self, now: float) -> int:
        """Remove data files that for ``GRACE`` seconds no version had. Answers how many.

        What counts is when a file was first seen unused, not its age: an old one may have left the
        table a moment ago and still be read, a young one be of a commit that is being written. A
        new process has seen nothing, and begins to count anew.
        """
        unused = set(_files(self._table)) - set(self._table.live())
        self._unused = {name: self._unused.get(name, now) for name in unused}
        gone = [name for name, since in self._unused.items() if now - since > GRACE]
        for name in gone:
            with contextlib.suppress(FileNotFoundError):
                (self._table.root / name).unlink()
            del self._unused[name]
        return len(gone)


def _files(table: tables.Table) -> Iterator[str]:
    """Every data file below the table, as a path below it."""
    for file in table.root.rglob("*.parquet"):
        name = str(file.relative_to(table.root))
        if not name.startswith(tables.LOG):
            yield name
