"""One pull after the other, on a clock that only goes forward.

What went wrong ends no process: it is said in the status file and tried again with growing
patience, from the state that is committed. The topic, the source and the script may all fail.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import jobs, observed
from tidewright.pipelines.core import faults
from tidewright.pipelines.mover import report
from tidewright.pipelines.pull import script
from tidewright.pipelines.topic import append, pressure
from tidewright.pipelines.workload import script as scripts

log = logging.getLogger("pull")
PATIENCE = (0.5, 1.0, 2.0, 5.0)


class Loop:
    """``run`` until ``ending`` is set."""

    def __init__(
        self,
        job: jobs.PullJob,
        voice: report.Report,
        ending: threading.Event,
        fault: faults.Fault = faults.none,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job, self.voice, self.ending = job, voice, ending
        self._fault, self._clock = fault, clock
        self._conn: psycopg.Connection | None = None
        self._appender: append.Appender | None = None
        self._puller: script.Puller | None = None
        self._full = pressure.Pressure()
        self._place = append.Place()
        self._next = clock()
        self._failures = 0

    def run(self) -> None:
        """Turn until the end."""
        try:
            while not self.ending.is_set():
                self.turn()
        finally:
            self._hang_up()

    def turn(self) -> None:
        """Wait until a pull is due, and make it; or say what keeps us, and wait."""
        if self.ending.wait(max(0.0, min(self._next - self._clock(), 1.0))):
            return
        if self._clock() < self._next:
            return
        try:
            self._pull()
        except (scripts.ScriptFailed, pressure.Full) as problem:
            self._fail(problem.finding.line, "degraded")
        except errors.PlatformError as problem:
            self._hang_up()
            self._fail(problem.finding.line, "running")
        except psycopg.Error as problem:
            self._hang_up()
            reason = str(problem).partition("\n")[0]
            self._fail(f"the log server stopped answering: {reason}", "running")
        else:
            self._failures = 0

    def _pull(self) -> None:
        appender, puller = self._ready()
        found = script.call(puller, self._place.state, _url(self.job))
        self._fault("pulled_events")
        if found.events or found.state != self._place.state:
            batch = append.Batch(self._place.sequence + 1, found.events, found.state)
            appender.append(batch)
            self._place = appender.last()
        # What a slow pull missed is not made up for: the script takes all there is.
        self._next = max(self._next + self.job.pull.every, self._clock())
        self._say(len(found.events))

    def _ready(self) -> tuple[append.Appender, script.Puller]:
        """The loaded script, and a connection on which our place is known."""
        if self._puller is None or self._puller.is_stale():
            self._puller = None
            self._puller = script.load(Path(str(self.job.project)) / self.job.pull.python)
        if self._appender is None or self._conn is None or self._conn.closed:
            self._conn = postgres.connect(self.job.topics, Path(str(self.job.secrets)))
            made = append.Appender(
                self._conn, self.job.pull.topic, self.job.name, self._full, self._fault
            )
            self._place, self._appender = made.last(), made
        return self._appender, self._puller

    def _say(self, last: int) -> None:
        dataset = observed.DatasetState(
            f"topics.{self.job.pull.topic}", "following", self._place.events, 0.0, None, None
        )
        self.voice.tell(
            state="running",
            healthy=True,
            message=f"{last:,} events in the last pull",
            position=str(self._place.sequence),
            changes=self._place.events,
            commits=self._place.sequence,
            datasets=(dataset,),
            counters={"waiting_bytes": self._full.behind},
        )

    def _fail(self, message: str, state: str) -> None:
        wait = PATIENCE[min(self._failures, len(PATIENCE) - 1)]
        if self._failures == 0:
            log.warning("%s", message)
        self._failures += 1
        self._next = self._clock() + wait
        self.voice.tell(state=state, healthy=False, message=message)

    def _hang_up(self) -> None:
        """After a doubt our place is read again: what the last append did is told there."""
        if self._conn is not None:
            self._conn.close()
        self._conn = self._appender = None


def _url(job: jobs.PullJob) -> str | None:
    return None if job.url is None else str(job.url)
