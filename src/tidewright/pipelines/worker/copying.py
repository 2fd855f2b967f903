"""First copies in the background: a snapshot of the source into tables nobody sees yet.

One thread, one exported snapshot, any number of tables. The snapshot's temporary slot stays open
until the copy is joined: it carries the changes from the copy's own point to the lake's.

A table that was truncated before the copy came to it is left out, and the others go on. Its next
copy locks it as soon as the snapshot is there (``fragile``): a truncate waits then for that copy.
Where even that comes too late, it is tried again here: what is followed must not wait for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tidewright import errors
from tidewright.model import flow
from tidewright.pipelines.core import faults
from tidewright.pipelines.feeds import snapshot
from tidewright.pipelines.worker import appending, evolve, following, staging, tables

log = logging.getLogger("capture")
PAUSES = (0.5, 1.0, 2.0, 5.0)  # seconds between attempts at fragile tables


@dataclass(slots=True)
class Progress:
    """How far a copy is, for the status file."""

    rows: dict[str, int] = field(default_factory=dict)
    done: bool = False
    problem: errors.PlatformError | None = None
    trouble: staging.Trouble | None = None


class Copying:
    """A running or finished copy. ``finished`` tells; ``catch_up`` and ``close`` end it."""

    def __init__(
        self,
        capture: flow.Capture,
        source: flow.PostgresSource,
        secrets: Path,
        names: tuple[str, ...],
        fault: faults.Fault,
        fragile: bool = False,
    ) -> None:
        self.names = names
        self.left_out: tuple[str, ...] = ()
        self.progress = Progress({name: 0 for name in names})
        self.followed: dict[str, tables.Followed] = {}
        self.at = 0
        self.told = False
        self._capture = capture
        self._source = source
        self._secrets = secrets
        self._fault = fault
        self._fragile = fragile
        self._cancelled = threading.Event()
        self._snapshot: snapshot.Snapshot | None = None
        self._thread: threading.Thread | None = None

    def start(self, build: following.Make) -> None:
        """Begin; returns at once."""
        self._thread = threading.Thread(target=self._run, args=(build,), name="copy", daemon=True)
        self._thread.start()

    def finished(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    def catch_up(self, to: int) -> int:
        """Stage what was committed from the copy's point up to ``to``; how many changes."""
        assert self._snapshot is not None
        if to <= self.at:
            return 0
        stage = staging.Staging(self.followed, _fixed_columns)
        chunks = self._snapshot.catch_up(to, {name: t.key for name, t in self.followed.items()})
        return sum(stage.stage(part, self.at, to) for chunk in chunks for part in chunk.parts)

    def close(self) -> None:
        """End the snapshot, and the thread if it still runs."""
        self._cancelled.set()
        if self._thread is not None:
            self._thread.join(30)
        if self._snapshot is not None:
            self._snapshot.close()

    def _run(self, build: following.Make) -> None:
        try:
            self._copy(build)
            self.progress.done = True
        except staging.Trouble as trouble:
            self.progress.trouble = trouble
        except errors.PlatformError as problem:
            self.progress.problem = problem
        except Exception as problem:  # the top of a thread: it would end without a word
            self.progress.problem = errors.Bug(
                "lake.copy_failed", f"{type(problem).__name__}: {problem}", "first copy",
                "It is tried again. Report this with the log of the service.",
            )  # fmt: skip

    def _copy(self, build: following.Make) -> None:
        names = self.names
        for pause in PAUSES if self._fragile else ():
            try:
                return self._attempt(build)
            except snapshot.Overtaken as problem:
                self.progress.problem = problem  # shown meanwhile
            assert self._snapshot is not None
            self._snapshot.close()
            if self._cancelled.wait(pause):
                return None
            self.progress.problem, self.names, self.left_out = None, names, ()
        return self._attempt(build)

    def _attempt(self, build: following.Make) -> None:
        self._snapshot = snapshot.Snapshot(self._source, self._secrets).__enter__()
        self.at = self._snapshot.point
        if self._fragile:
            for name in self.names:
                self._or_without(name, self._hold_table)
        self.followed = {n: self._make(self._snapshot, n, build) for n in self.names}
        stage = staging.Staging(self.followed, _fixed_columns)
        self._fault("copy_begun")
        for name in self.names:
            self._or_without(name, lambda seen, name: self._copy_table(seen, stage, name))

    def _or_without(self, name: str, act: Callable[[snapshot.Snapshot, str], None]) -> None:
        """Do it, or go on without the table; raises Overtaken once no table is left."""
        assert self._snapshot is not None
        try:
            act(self._snapshot, name)
        except errors.Refused as problem:
            raise staging.Trouble(name, staging.why(name, problem)) from problem
        except snapshot.Overtaken as problem:
            self.left_out += (name,)
            if self.names == (name,):
                raise
            self.names = tuple(n for n in self.names if n != name)
            self.followed = {n: t for n, t in self.followed.items() if n != name}
            log.warning("%s The other tables go on.", problem.finding.line)

    def _hold_table(self, seen: snapshot.Snapshot, name: str) -> None:
        seen.hold((name,))

    def _copy_table(self, seen: snapshot.Snapshot, stage: staging.Staging, name: str) -> None:
        for part in seen.copy(name):
            if self._cancelled.is_set():
                return
            self.progress.rows[name] += stage.stage(part, 0, None)

    def _make(self, seen: snapshot.Snapshot, name: str, build: following.Make) -> tables.Followed:
        try:
            described = seen.describe(name)
            shape = following.shapes(seen.link, (described.oid,))[described.oid]
            make = appending.make if self._source.append_only else following.make
            return make(self._capture, name, described, shape, build)
        except errors.Refused as problem:
            raise staging.Trouble(name, staging.why(name, problem)) from problem


def _fixed_columns(name: str) -> Mapping[str, evolve.Live]:
    raise staging.Trouble(name, "its columns changed while it was copied", shape=True)
