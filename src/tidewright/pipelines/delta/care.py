"""Upkeep of a Delta table: small files merged, and files removed that no kept version needs."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

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

    def step(self) -> None:
        """Merge or sweep when it is time."""
        self._commits += 1
        if self._commits % MERGE_AFTER == 0:
            for partition in self._merged:
                self._table.merge_small(partition, LARGE)
        elif time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_EVERY
            sweep(self._table, GRACE)


def sweep(table: tables.Table, grace: float) -> int:
    """Remove data files that no version of the last ``grace`` seconds had. Answers how many.

    A file is spared when it is young: it may belong to a commit that is being written, or have
    been removed from the table a moment ago and still be read.
    """
    live = set(table.live())
    before = time.time() - grace
    gone = 0
    for file in table.root.rglob("*.parquet"):
        name = str(file.relative_to(table.root))
        if not name.startswith(tables.LOG) and name not in live and _is_older(file, before):
            with contextlib.suppress(FileNotFoundError):
                file.unlink()
                gone += 1
    return gone


def _is_older(file: Path, before: float) -> bool:
    try:
        return file.stat().st_mtime < before
    except FileNotFoundError:
        return False
