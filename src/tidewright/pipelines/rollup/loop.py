"""The loop of one rollup process: what is new of each source, its results, one transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pyarrow as pa

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import flow, jobs, observed
from tidewright.pipelines.core import faults
from tidewright.pipelines.mover import voice
from tidewright.pipelines.rollup import feed, keeping, news, plan

POLL = 0.2
EVERY = 0.5
PAUSE = 1.0


class Loop:
    """``run`` until ``ending`` is set."""

    def __init__(
        self, job: jobs.RollupJob, ending: threading.Event, fault: faults.Fault = faults.none
    ) -> None:
        self.job, self._ending, self._fault = job, ending, fault
        file = Path(str(job.sql))
        self._views = plan.read(file.read_text(encoding="utf-8"), job.stage.sql)
        self._feed = feed.Feed(self._views, job.stage.sql)
        self._sources = {name: news.source(job, name) for name in plan.sources(self._views)}
        self._keeper = keeping.Keeper(
            lambda: postgres.connect(job.marts, str(job.secrets), connect_timeout=3),
            job.stage.to, self._views, fault,
        )  # fmt: skip
        self._voice = voice.Voice(Path(str(job.status)), "rollup")
        self._counts = {"rows_in": 0, "rows_out": 0, "processing_ms": 0, "failed_writes": 0}
        self._positions: dict[str, int] = {}

    def run(self) -> None:
        """Turn after turn; an outage is said and waited for."""
        try:
            while not self._ending.is_set():
                self._ending.wait(self._guarded())
        finally:
            self._voice.say(now=True, healthy=False, state="stopped", message="stopped")
            for one in self._sources.values():
                one.close()

    def _guarded(self) -> float:
        try:
            return self.turn()
        except (psycopg.Error, OSError, errors.PlatformError) as reason:
            if isinstance(reason, errors.PlatformError) and not isinstance(
                reason, errors.Transient
            ):
                raise
            self._keeper.close()
            self._positions.clear()
            self._counts["failed_writes"] += 1
            told = reason.what if isinstance(reason, errors.PlatformError) else str(reason)
            message = told.partition("\n")[0]
            self._voice.say(healthy=False, state="degraded", message=message)
            return PAUSE

    def turn(self) -> float:
        """One batch of each source that has something new; seconds until the next look."""
        began, worked = time.monotonic(), time.process_time()
        moved = [self._follow(name, one) for name, one in self._sources.items()]
        if not any(moved):
            waiting = "following" if self._positions else "waiting for the first event"
            self._voice.say(healthy=True, state="running", message=waiting)
            return POLL
        self._report()
        return max(EVERY - (time.monotonic() - began), time.process_time() - worked)

    def _follow(self, name: str, source: news.Source) -> bool:
        found = source.newer(lambda identity: self._position(name, identity))
        if found is None:
            return False
        self._fault("batch_read")
        began = time.monotonic()
        first = self._position(name, found.identity)
        results = self._feed.results(name, found.rows) if found.rows.num_rows else {}
        if not self._keeper.add(name, found.identity, (first, found.position), results):
            self._positions.pop(name)  # the outcome of an earlier batch was not known
            return True
        self._positions[name] = found.position
        self._count(found, results, time.monotonic() - began)
        return True

    def _position(self, name: str, identity: str) -> int:
        if name not in self._positions:
            self._positions[name] = self._keeper.position(name, identity)
        return self._positions[name]

    def _count(self, found: news.Found, results: Mapping[plan.View, pa.Table], took: float) -> None:
        self._counts["rows_in"] += found.rows.num_rows
        self._counts["rows_out"] += sum(r.num_rows for r in results.values())
        self._counts["processing_ms"] = int(took * 1000)
        if found.received is not None and len(found.received):
            ages = time.time() * 1000 - found.received / 1000
            self._voice.hop("topic_to_rollup", ages[:: max(1, len(ages) // 500)].tolist())

    def _report(self) -> None:
        rows = self._keeper.rows()
        position = flow.lsn_text(min(self._positions.values())) if self._positions else None
        rate = self._voice.rate(self._counts["rows_in"])
        self._voice.say(
            healthy=True,
            state="running",
            message="following",
            position=position,
            changes=self._counts["rows_in"],
            commits=self._voice.status.commits + 1,
            counters=dict(self._counts),
            datasets=tuple(
                observed.DatasetState(
                    dataset=f"{self.job.stage.to}.{view.table}", state="following",
                    rows=rows.get(view.table, 0), rate=rate, position=position, snapshot=None,
                )
                for view in self._views
            ),
        )  # fmt: skip
