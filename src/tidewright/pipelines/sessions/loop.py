"""The loop of one sessions process: read what is new, advance, land it, and say how it goes.

Everything that is known survives in the Delta tables; whatever goes wrong, the next attempt opens
them again and goes on from there.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np

from tidewright import errors
from tidewright.model import flow, jobs, observed
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import reader, topicrows
from tidewright.pipelines.mover import voice
from tidewright.pipelines.sessions import core, landing, shapes

# Events in one turn at most: it bounds memory while a backlog is caught up.
MOST = 100_000
POLL = 0.1
# Each commit costs some work whatever it brings; more often than this nobody needs it.
EVERY = 0.4
PAUSE = 1.0
HOP = "topic_to_sessions"


class Loop:
    """``run`` until ``ending`` is set."""

    def __init__(
        self, job: jobs.SessionsJob, ending: threading.Event, fault: faults.Fault = faults.none
    ) -> None:
        self.job, self._ending, self._fault = job, ending, fault
        self._known = shapes.shapes(job)
        self._rules = shapes.rules(job)
        self._reader = topicrows.Reader(job.lake, Path(str(job.secrets)), self._known.read)
        self._voice = voice.Voice(Path(str(job.status)), "sessions")
        self._landing: landing.Landing | None = None
        self._state = core.empty(self._rules)
        self._last_commit = 0
        self._counts = dict.fromkeys(
            ("events", "events_set_aside", "sessions_closed", "sessions_open",
             "sessions_per_batch", "processing_ms", "failed_writes"), 0,
        )  # fmt: skip

    def run(self) -> None:
        """Turn after turn; an outage is said and waited for."""
        try:
            while not self._ending.is_set():
                self._wait(self._guarded())
        finally:
            self._voice.say(now=True, healthy=False, state="stopped", message="stopped")
            self._reader.close()

    def _guarded(self) -> float:
        """One turn; how long to wait until the next."""
        try:
            return self.turn()
        except errors.PlatformError as reason:
            if not isinstance(reason, errors.Transient):
                raise
            self._landing = None
            self._counts["failed_writes"] += 1
            self._voice.say(healthy=False, state="degraded", message=reason.finding.line)
            return PAUSE

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._ending.wait(min(POLL, seconds)) and time.monotonic() < end:
            self._voice.say()

    def turn(self) -> float:
        """Land what is new. Answers how many seconds may pass until the next look."""
        began, worked = time.monotonic(), time.process_time()
        pinned = self._reader.head()
        if pinned is None or (self._landing and pinned.commit_id == self._last_commit):
            waiting = "waiting for the first event" if self._landing is None else "following"
            self._voice.say(healthy=True, state="running", message=waiting)
            return POLL if pinned else PAUSE
        if self._landing is None:
            self._landing = landing.Landing(self.job, self._known, pinned.source, self._fault)
            self._state = self._landing.state()
        _check(self._landing, pinned.source)
        done = self._follow(self._landing, pinned)
        if done:
            self._last_commit = pinned.commit_id
        # Half a processor at most, so that receiving and capture go first.
        return max(EVERY - (time.monotonic() - began), time.process_time() - worked)

    def _follow(self, tables: landing.Landing, pinned: reader.Pinned) -> bool:
        """One batch of the pinned commit; whether that was all of it."""
        stage = self.job.stage
        news = self._reader.news(stage.topic, pinned, tables.position, MOST)
        if news is None:
            return True
        self._fault("batch_read")
        if news.rows.num_rows:
            began = time.monotonic()
            reasons = landing.judge(news.rows, stage)
            batch = landing.for_core(news.rows, reasons, stage)
            step = core.advance(self._state, batch, self._rules)
            tables.land(landing.Turn(news, step, landing.with_late(reasons, step.late)))
            self._state = step.state
            self._count(news, step, reasons.null_count, time.monotonic() - began)
            tables.upkeep()
        self._report(tables)
        return news.position >= flow.lsn_value(pinned.position)

    def _count(self, news: topicrows.News, step: core.Step, fit: int, took: float) -> None:
        rows = news.rows.num_rows
        late = int(np.count_nonzero(step.late))
        self._counts["events"] += rows
        self._counts["events_set_aside"] += rows - fit + late
        self._counts["sessions_closed"] += step.closed.num_rows
        self._counts["sessions_open"] = step.state.open.num_rows
        self._counts["sessions_per_batch"] = step.closed.num_rows
        self._counts["processing_ms"] = int(took * 1000)
        ages = time.time() * 1000 - news.rows.column("received").to_numpy() / 1000
        self._voice.hop(HOP, ages[:: max(1, rows // 500)].tolist())

    def _report(self, tables: landing.Landing) -> None:
        events = self._counts["events"]
        self._voice.say(
            healthy=True,
            state="running",
            message="following",
            position=flow.lsn_text(tables.position),
            changes=events,
            commits=self._voice.status.commits + 1,
            counters=dict(self._counts),
            datasets=tuple(self._dataset(t.shape.name, tables) for t in tables.all()),
        )

    def _dataset(self, name: str, tables: landing.Landing) -> observed.DatasetState:
        return observed.DatasetState(
            dataset=name,
            state="following",
            rows=tables.rows(name),
            rate=self._voice.rate(self._counts["events"]),
            position=flow.lsn_text(tables.position),
            snapshot=None,
        )


def _check(tables: landing.Landing, source: str) -> None:
    """The catalog may have been replaced under us."""
    for one in tables.all():
        one.check(source)
