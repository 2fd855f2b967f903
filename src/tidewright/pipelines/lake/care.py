"""Upkeep from the first commit: files that nothing needs, and old rows of the commits table.

Snapshots expire within each commit (``metadata.Keep``). What that sets free waits here for its
grace and is then unlinked by a thread, a batch at a time. After a start each table's folders are
listed twice, and what no listed snapshot reaches joins the wait: what a crash left, and what only
snapshots of before the start needed. Files younger than the store are never taken for orphans: a
thread may still be filling them. While somebody reads for long (``reading``), nothing goes.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg

from tidewright.pipelines.lake import catalog, durable, manifests, metadata, reading, snapshots
from tidewright.pipelines.lake import table as tables

BATCH = 200
PRUNE_EVERY = 500
# DuckDB 1.5.5 aborts its whole process when a data manifest is missing, and raises an error when
# any other file is. So manifests outlive the metadata that leads to them by a part of the grace.
MANIFESTS_LATER = 0.25
# A file's time comes from the kernel's coarse clock, which may run a little behind ours.
CLOCK_SLACK = 2.0


class Care:
    """What a store owes its disk. ``free`` and ``step`` are called between commits."""

    def __init__(self, keep: metadata.Keep, warehouse: Path) -> None:
        self._keep, self._warehouse = keep, warehouse
        self._since = time.time()
        self._waiting: deque[tuple[float, str]] = deque()
        self._manifests: deque[tuple[float, str]] = deque()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="care")
        self._running: Future[list[str]] | None = None
        self._sweeps: dict[str, int | None] = {}
        self._steps = 0

    @property
    def waiting(self) -> int:
        """Files that will be unlinked when their grace is over."""
        return len(self._waiting) + len(self._manifests)

    def free(self, paths: Iterable[str]) -> None:
        """Nothing listed needs these files: unlink them after the grace."""
        due = time.monotonic() + self._keep.grace
        for path in paths:
            if path.endswith(manifests.SUFFIX):
                self._manifests.append((due + self._keep.grace * MANIFESTS_LATER, path))
            else:
                self._waiting.append((due, path))

    def step(self, conn: psycopg.Connection, flow: str, found: Mapping[str, tables.Table]) -> None:
        """Start one small piece of work, or take in what the last one found."""
        self._steps += 1
        if self._steps % PRUNE_EVERY == 0:
            catalog.prune(conn, flow, self._keep.commits)
        if self._running is not None:
            if not self._running.done():
                return
            self.free(self._running.result())
            self._running = None
        self._start(found)

    def close(self) -> None:
        self._pool.shutdown()

    def _start(self, found: Mapping[str, tables.Table]) -> None:
        due = self._due()
        if due:
            self._running = self._pool.submit(_unlink, self._warehouse, due)
            return
        for name, table in found.items():
            if self._to_sweep(name, table.state):
                limit = self._since - CLOCK_SLACK
                self._running = self._pool.submit(orphans, table.state, limit)
                return

    def _to_sweep(self, name: str, state: snapshots.State) -> bool:
        """Once soon after start, and once when every snapshot of before the start has expired.

        What those alone need is known to no one in this process, so only a listing finds it.
        """
        after = self._sweeps.get(name, -1)
        listed = state.metadata.snapshots
        oldest = listed[0].sequence if listed else 0
        if state.location is None or after is None or oldest <= after:
            return False
        self._sweeps[name] = state.metadata.last_sequence if after < 0 else None
        return True

    def _due(self) -> list[str]:
        now = time.monotonic()
        due: list[str] = []
        for queue in (self._waiting, self._manifests):
            while queue and queue[0][0] <= now and len(due) < BATCH:
                due.append(queue.popleft()[1])
        return due


def _unlink(warehouse: Path, paths: list[str]) -> list[str]:
    """Answers the files that must wait for another grace."""
    with reading.unlinking(warehouse) as is_free:
        if not is_free:
            return paths
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108  thousands of them, no Path is needed
    return []


def orphans(state: snapshots.State, before: float) -> list[str]:
    """Files of a table's folders, older than ``before``, that no listed snapshot reaches."""
    folder = durable.local(state.metadata.location)
    old = [p for part in ("data", "metadata") for p in _older(f"{folder}/{part}", before)]
    # Listed first, reached second: a file that is set free in between is only found later.
    needed = reachable(state) if old else set()
    return [p for p in old if p not in needed]


def _older(folder: str, before: float) -> list[str]:
    with os.scandir(folder) as entries:
        return [e.path for e in entries if e.is_file() and e.stat().st_mtime < before]


def reachable(state: snapshots.State) -> set[str]:
    """Every file that the listed snapshots and the metadata log need, as paths."""
    needed = {state.location or "", *(location for location, _ in state.metadata.log)}
    known: set[str] = set()
    for snapshot in reversed(state.metadata.snapshots):
        needed.add(snapshot.manifests)
        for found in manifests.read(snapshot.manifests, known):
            known.add(found.location)
            needed.add(found.location)
            needed |= {d.file_path for d, _, _ in found.entries}
    return {durable.local(n) for n in needed}
