"""One sync after the other: start the connector, land what it covers, wait until the next is due.

Nothing that a connector does ends the worker. A sync that fails keeps what was covered and is
tried again with growing patience; a stream that stops is tried again at the next sync.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from tidewright import errors
from tidewright.model import jobs, observed
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import catalog, durable
from tidewright.pipelines.load import (
    columns,
    landing,
    marks,
    messages,
    process,
    running,
    sync,
    timing,
)
from tidewright.pipelines.mover import report, statusfile
from tidewright.pipelines.workload import pace

log = logging.getLogger("load")
HOP = "source_to_lake"
COMMIT_RECORDS = 50_000  # a long sync is committed in between, at a state
COMMIT_SECONDS = 5.0
RATE_SECONDS = 30.0


class OtherSource(errors.Refused, errors.Transient):
    """The connector speaks for another source than the lake's rows came from."""


@dataclass(slots=True)
class Loop:
    """Runs until ``ending`` is set."""

    job: jobs.LoadJob
    voice: report.Report
    ending: threading.Event
    fault: faults.Fault = faults.none
    clock: Callable[[], float] = time.monotonic
    lake: landing.Landing = field(init=False)
    timing: timing.Timing = field(init=False)
    failures: int = 0
    syncs: int = 0
    changes: int = 0
    trouble: str = ""
    stopped: dict[str, str] = field(default_factory=dict)
    _meters: dict[str, pace.Meter] = field(default_factory=dict)
    _since: float = 0.0
    _records: int = 0

    def __post_init__(self) -> None:
        self.lake = landing.Landing(self.job, self.fault)
        self.timing = timing.Timing(self.job, self.clock)

    def run(self) -> None:
        """Sync, wait, and so on; where a calendar says so, wait first."""
        try:
            if self.timing.rule.cron is not None and self.timing.due_ms() > statusfile.now_ms():
                self._guarded(self._look)
                self._rest(self.clock())
            while not self.ending.is_set():
                began = self.clock()
                self.turn()
                self._rest(began)
        finally:
            self.lake.close()

    def turn(self) -> None:
        """One sync, whatever becomes of it. The status says it afterwards."""
        self._guarded(self._sync)

    def _guarded(self, act: Callable[[], None]) -> None:
        """An outage ends nothing."""
        try:
            act()
        except errors.PlatformError as problem:
            self._outage(problem.finding)
        except OSError as problem:
            self._outage(durable.failed(problem.filename or "the lake", problem).finding)
        except psycopg.Error as problem:
            self._outage(catalog.lost(self.job.name, problem).finding)

    def _rest(self, began: float) -> None:
        """Until the next sync is due; after a failure sooner or later, by patience."""
        left = self.timing.waiting(began, self.failures)
        while not self.ending.is_set() and (seconds := left()) > 0:
            self.voice.alive()
            self.ending.wait(min(1.0, seconds))

    def _look(self) -> None:
        """What is there already, for the status, while nothing is due yet."""
        self.lake.open()
        self._tell(healthy=True)

    # -- one sync ------------------------------------------------------------------------------

    def _sync(self) -> None:
        if not self.lake.is_open or not self.lake.is_held():
            self.lake.open()
        states = {n: m.cursor for n, m in self.lake.marks.items() if self._counts(m)}
        began = statusfile.now_ms()
        work = sync.Sync(began)
        asked = process.start(self.job, "read", self.job.load.streams, states, self._installing)
        self._since, self._records = self.clock(), 0
        with contextlib.closing(asked):
            self.fault("connector_started")
            try:
                for message in asked.messages():
                    self.voice.alive()
                    self._hear(work, message)
                    if self.ending.is_set():
                        break
                else:
                    work.exited(asked.code or 0)
            except running.Silent as reason:
                work.failure = reason.finding.line
        self._commit(work)
        self.fault("synced_all")
        if not work.failure and not self.ending.is_set():
            self.timing.done(began)
        self._ended(work)

    def _counts(self, mark: marks.Mark) -> bool:
        """Whether the connector gets the state: to go on from it, or to see that nothing changed.

        One of Airbyte's would go on from a full stream's as well.
        """
        light = self.job.load.connector.kind == "python"
        return mark.mode == "incremental" or (light and mark.complete)

    def _installing(self, line: str) -> None:
        """What the connector's installation says, for the status and the log."""
        log.info("%s", line)
        self.voice.tell(state="starting", healthy=True, message=line)

    def _hear(self, work: sync.Sync, message: messages.Message) -> None:
        if isinstance(message, messages.Catalog):
            self._begin(work, message)
            return
        if isinstance(message, messages.Note):
            log.info("%s: %s", message.level, message.text)
        work.hear(message)
        if isinstance(message, messages.State):
            self.fault("page_read")
            many = work.records - self._records >= COMMIT_RECORDS
            if many or self.clock() - self._since >= COMMIT_SECONDS:
                self._commit(work)

    def _begin(self, work: sync.Sync, found: messages.Catalog) -> None:
        """Every wanted stream with its table; one that has none, or cannot, stops alone."""
        source = found.source or self.job.load.connector.name
        if self.lake.source and source != self.lake.source:
            raise OtherSource(
                "load.other_source",
                f"its rows came from {self.lake.source}, the connector now speaks for {source}",
                f"flow {self.job.name}",
                "Point the connector back, or begin anew with destroy and up.",
            )
        self.lake.source = source
        known = {s.name: s for s in found.streams}
        for name in self.job.load.streams or tuple(known):
            if name not in known:
                listed = ", ".join(known) or "none"
                work.stop(name, f"the connector has no stream called {name}; it has {listed}")
                continue
            try:
                shape, mark = self.lake.prepare(known[name])
            except (columns.Unusable, errors.Unsupported) as reason:
                work.stop(name, str(getattr(reason, "what", reason)))
                work.lacking.add(name)
            else:
                work.begin(known[name], shape, mark)

    def _commit(self, work: sync.Sync) -> None:
        """What is covered so far. An outage passes through; the lake is then opened anew."""
        self._since, self._records = self.clock(), work.records
        given = tuple(work.portions())
        done = self.lake.commit(given, self.lake.source)
        if done is None:
            return
        for portion in given:
            meter = self._meters.setdefault(portion.stream, pace.Meter(RATE_SECONDS))
            meter.add(self.clock(), sum(page.num_rows for page in portion.rows))
        work.committed()
        self.changes += done.rows
        now = statusfile.now_ms()
        self.voice.aged({HOP: tuple(float(now - t) for t in done.times_ms)})
        self.lake.upkeep()

    def _ended(self, work: sync.Sync) -> None:
        self.syncs += 1
        for name, why in work.stopped.items():
            if self.stopped.get(name) != why:
                log.warning("stream %s stopped: %s", name, why)
        self.stopped, self.trouble = work.stopped, work.failure or ""
        self.failures = self.failures + 1 if work.failure else 0
        if work.failure:
            log.warning("the sync failed: %s", work.failure)
        self._tell(healthy=True)

    def _outage(self, problem: errors.Finding) -> None:
        """Something we need is away; what was staged is forgotten."""
        self.lake.close()
        self.failures += 1
        self.trouble = problem.line
        log.warning("%s", problem.line)
        self._tell(healthy=False)

    # -- the status ----------------------------------------------------------------------------

    def _tell(self, *, healthy: bool) -> None:
        ill = self.trouble or self.stopped
        self.voice.tell(
            healthy=healthy,
            state="degraded" if ill else "running",
            message=self._message(),
            position=str(self.lake.position),
            changes=self.changes,
            commits=self.lake.commits,
            datasets=self._datasets() if self.lake.is_open else self.voice.status.datasets,
            counters={"syncs": self.syncs, "failed_in_a_row": self.failures},
        )

    def _message(self) -> str:
        parts = [f"{name} stopped: {why}" for name, why in self.stopped.items()]
        if self.trouble:
            wait = timing.patience(self.failures)
            parts.insert(0, f"{self.trouble} Trying again in {wait:g} s.")
        return "; ".join(parts) or self.timing.said()

    def _datasets(self) -> tuple[observed.DatasetState, ...]:
        names = dict.fromkeys((*self.lake.marks, *self.stopped))
        return tuple(self._dataset(name) for name in names if name != marks.SHARED)

    def _dataset(self, stream: str) -> observed.DatasetState:
        mark = self.lake.marks.get(stream)
        table = self.lake.lake.table(self.lake.table_name(stream))
        meter = self._meters.get(stream)
        state: str = "following" if mark and mark.complete else "copying"
        if stream in self.stopped:
            state = "stopped"
        elif mark is None:
            state = "waiting"
        return observed.DatasetState(
            dataset=self.lake.table_name(stream),
            state=state,  # type: ignore[arg-type]
            rows=mark.rows if mark else 0,
            rate=round(meter.rate(self.clock()), 1) if meter else 0.0,
            position=None if mark is None else str(self.lake.position),
            snapshot=table.snapshot_id if table else None,
            message=self.stopped.get(stream, ""),
        )
