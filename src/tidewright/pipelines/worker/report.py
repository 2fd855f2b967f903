"""What the worker says of itself: ``run/capture.json``, at most a few times a second."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from tidewright.errors import tables as catalogue
from tidewright.kit import files
from tidewright.model import codec, flow, observed
from tidewright.pipelines.core import state
from tidewright.pipelines.lake import table as lake_table
from tidewright.pipelines.worker import engine, freshness, pulse, tables

EVERY = 0.25
# Seconds in which a worker that only begins says nothing: mostly its first word is a good one.
QUIET = 1.0
RATE_WINDOW = 10.0
HOP = "source_to_lake"
Kind = Literal["waiting", "copying", "following", "stopped"]


class Report:
    """Collects delays and rates; writes the status file.

    ``job``: the version of the job that is worked on, see ``observed.CaptureStatus``.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._delays = freshness.Delays()
        self._costs = freshness.Delays()
        self._commits = 0
        self._changes = 0
        self._marks: deque[tuple[float, dict[str, int]]] = deque()
        self._next = 0.0
        self._last: observed.CaptureStatus | None = None
        self._begun = False
        self.job = 0

    def committed(self, hands: engine.Engine) -> None:
        """A commit is readable from now on: every transaction in it has its delay."""
        now = time.time() * 1000
        self._commits += 1
        self._changes += hands.last.changes
        self._delays.add(int(now), now - hands.last.times_ms)
        self._costs.add(int(now), np.asarray([hands.last.commit_seconds * 1000]))

    def turn(
        self, hands: engine.Engine, known: state.State, beat: pulse.Pulse, trouble: str = ""
    ) -> None:
        """Write the file if it is time. ``trouble``: an outage that is not over yet."""
        before, now = self._begun, time.monotonic()
        begun = self._has_begun(hands, known)
        if self._last is None and not begun and not self._next:
            self._next = now + QUIET
        if now >= self._next or begun != before:
            message = trouble or _message(hands, known)
            well = begun and not trouble and known.failure is None
            self._write(hands, known, message, healthy=well, beat=beat)

    def _has_begun(self, hands: engine.Engine, known: state.State) -> bool:
        """Not well before the source has let us follow, or copy, or each table has its reason."""
        if not self._begun and known.confirmed is not None:
            idle = not known.missing and not known.copying
            self._begun = bool(known.following) or _copying(hands) or idle
        return self._begun

    def trouble(self, hands: engine.Engine, known: state.State, message: str) -> None:
        """Say at once what is wrong."""
        self._write(hands, known, message, healthy=False, beat=None)

    def still(self, message: str, healthy: bool) -> None:
        """From a thread, while a step takes long: everything as it was, but for this."""
        if self._last is not None:
            now = int(time.time() * 1000)
            self._put(dataclasses.replace(self._last, at_ms=now, message=message, healthy=healthy))

    def _write(
        self,
        hands: engine.Engine,
        known: state.State,
        message: str,
        *,
        healthy: bool,
        beat: pulse.Pulse | None,
    ) -> None:
        self._next = time.monotonic() + EVERY
        slot = beat.slot if beat else None
        delays, costs = self._delays.percentiles(), self._costs.percentiles()
        status = observed.CaptureStatus(
            at_ms=int(time.time() * 1000),
            pid=os.getpid(),
            healthy=healthy,
            state="stopped" if known.failure else ("running" if known.opened else "starting"),
            message=message,
            position=None if known.position is None else flow.lsn_text(known.position),
            commits=self._commits,
            lag_bytes=slot.lag_bytes if slot else None,
            wal_kept_bytes=slot.kept_bytes if slot else None,
            wal_cap_bytes=slot.cap_bytes if slot else None,
            changes=self._changes,
            datasets=self._datasets(hands, known),
            hops={HOP: delays} if delays else {},
            commit_ms=costs,
            job=self.job,
        )
        self._last = status
        self._put(status)

    def _put(self, status: observed.CaptureStatus) -> None:
        # A full disk must not end us; without a new file the supervisor says that we are silent.
        with contextlib.suppress(OSError):
            files.replace(self._file, codec.dumps(status), sync=False)

    def _datasets(
        self, hands: engine.Engine, known: state.State
    ) -> tuple[observed.DatasetState, ...]:
        rates, begun = self._rates(hands), _copying(hands)
        found = []
        for name in known.wanted:
            followed = hands.followed.get(name)
            copied = hands.copy.progress.rows.get(name) if hands.copy and begun else None
            if followed is None or not followed.appended:
                lake = hands.landed(name)
                one = _current(name, known, followed, lake, copied, rates.get(name, 0.0))
                held = not known.opened or followed is not None or hands.holds(name)
                found.append(dataclasses.replace(one, held=held))
            raw = hands.landed(tables.raw_name(hands.job.capture.raw_namespace, name))
            if raw is not None:
                found.append(_raw(name, raw, known, rates.get(name, 0.0)))
        return tuple(found)

    def _rates(self, hands: engine.Engine) -> dict[str, float]:
        now = time.monotonic()
        totals = {name: table.changes for name, table in hands.followed.items()}
        self._marks.append((now, totals))
        while self._marks[0][0] < now - RATE_WINDOW:
            self._marks.popleft()
        then, before = self._marks[0]
        seconds = max(now - then, EVERY)
        return {n: max(0.0, (c - before.get(n, c)) / seconds) for n, c in totals.items()}


def _copying(hands: engine.Engine) -> bool:
    """Whether a copy has its snapshot: until then the source may still refuse it."""
    return hands.copy is not None and hands.copy.at > 0


def _message(hands: engine.Engine, known: state.State) -> str:
    if known.failure is not None:
        code = known.failure.code
        return f"{known.failure.message} [{code}]. {catalogue.all_codes()[code].remedy}"
    if known.stopped:
        return "; ".join(f"{table} stopped: {why}" for table, why in known.stopped.items())
    if hands.copy is not None:
        rows = sum(hands.copy.progress.rows.values())
        problem = hands.copy.progress.problem
        return problem.what if problem else f"first copy: {rows:,} rows"
    return "following" if known.following else "starting"


def _current(
    name: str,
    known: state.State,
    followed: tables.Followed | None,
    lake: lake_table.Table | None,
    copied: int | None,
    rate: float,
) -> observed.DatasetState:
    return observed.DatasetState(
        dataset=name,
        state=_kind(name, known, copied),
        rows=followed.current.rows() if followed else copied or (_alive(lake) if lake else 0),
        rate=round(rate, 1),
        position=lake.properties.get("tidewright.position") if lake else None,
        snapshot=lake.snapshot_id if lake else None,
        message=known.stopped.get(name) or "",
    )


def _alive(lake: lake_table.Table) -> int:
    """Rows of a table that nobody follows: it stands at its last exact commit."""
    return _rows(lake.data_files) - _rows(lake.delete_files)


def _rows(files: Mapping[int, lake_table.LiveFile]) -> int:
    return sum(file.rows for file in files.values())


def _kind(name: str, known: state.State, copied: int | None) -> Kind:
    if name in known.stopped or known.failure is not None:
        return "stopped"
    if name in known.following:
        return "following"
    return "waiting" if copied is None else "copying"


def _raw(
    name: str, log: lake_table.Table, known: state.State, rate: float
) -> observed.DatasetState:
    return observed.DatasetState(
        dataset=log.name,
        state=_kind(name, known, None),
        rows=_rows(log.data_files),
        rate=round(rate, 1),
        position=log.properties.get("tidewright.position"),
        snapshot=log.snapshot_id,
    )
