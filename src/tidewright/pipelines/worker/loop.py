"""One turn after the other: hear what is asked, decide, perform, learn, report.

The loop owns the clock: when to pull, when to pulse, when to give up waiting. An outage never ends
the worker; it says so in the status file and tries again with growing patience.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from tidewright import errors
from tidewright.pipelines.core import acts, decide, learn, state
from tidewright.pipelines.lake import catalog, durable
from tidewright.pipelines.worker import cuts, engine, orders, pace, pulse, report, telling

log = logging.getLogger("capture")
REST = 0.02
LOOK_EVERY = 5.0
# What a step waits for, when it lasts for long.
SOURCE = "the source does not answer; see whether its server is overloaded or stands still"
CATALOG = "the catalog does not answer; see whether the store is overloaded or stands still"
LAKE = "busy with the files of the lake"
STEPS = {acts.MakeSlot: SOURCE, acts.Pull: SOURCE, acts.Advance: SOURCE, acts.ReadBack: CATALOG}
PATIENCE = (0.2, 0.5, 1.0, 2.0, 5.0)
LULL = 15.0  # seconds without another failure after which an outage counts as over


@dataclass(slots=True)
class Loop:
    """Runs until ``ending`` is set or the core says stop."""

    hands: engine.Engine
    voice: report.Report
    ending: threading.Event
    orders: orders.Orders | None = None
    clock: Callable[[], float] = time.monotonic
    begins: Callable[[str], None] = lambda _: None
    known: state.State = field(init=False)
    cost: float = 0.0
    next_pull: float = 0.0
    next_look: float = 0.0
    failures: int = 0
    failed_at: float = 0.0
    trouble: str = ""
    held: cuts.Request | None = None

    def __post_init__(self) -> None:
        self.known = state.State(self.hands.job.capture.tables)
        self._note_orders()

    def run(self) -> acts.Stop | None:
        """Turn until the end. A stop of the core is final; the caller shows it."""
        beat = pulse.Pulse(self.hands.job.name)
        while not self.ending.is_set():
            try:
                act = self._turn(beat)
            except errors.PlatformError as problem:
                self._outage(problem.finding)
            except OSError as problem:
                place = problem.filename or str(self.hands.job.lake.warehouse)
                self._outage(durable.failed(place, problem).finding)
            except psycopg.Error as problem:
                self._outage(catalog.lost(self.hands.job.name, problem).finding)
            else:
                if isinstance(act, acts.Stop):
                    return act
        return None

    def stand_still(self) -> None:
        """After a stop: go on saying why, until asked to end. A restart would only repeat it."""
        self.begins("")
        while not self.ending.wait(1.0):
            self.voice.turn(self.hands, self.known, pulse.Pulse(""))

    def _turn(self, beat: pulse.Pulse) -> acts.Act:
        if self.known.opened:
            self.begins(CATALOG)
            self._hear()
            self.begins(SOURCE)
            self._hear_orders()
            beat.due(self.hands.feed, self.clock())
        act = decide.decide(self.known)
        if isinstance(act, acts.Pull) and not self._due(act):
            act = acts.Rest()
        began = self.clock()
        self.begins(STEPS.get(type(act), LAKE))
        seen = self.hands.perform(act)
        self.known = learn.learn(self.known, seen)
        self._after(act, seen, began)
        self.voice.turn(self.hands, self.known, beat, self.trouble)
        return act

    def _due(self, act: acts.Pull) -> bool:
        """A pull towards a cut or a copy does not wait for the pace."""
        return act.below is not None or self.clock() >= self.next_pull

    def _after(self, act: acts.Act, seen: acts.Outcome, began: float) -> None:
        if self._is_well(seen):
            self.failures, self.trouble = 0, ""
        self._tell(seen)
        match act, seen:
            case acts.Pull(), acts.Pulled(_, exhausted):
                asked = pace.interval(self.hands.job.commit_every, self.cost)
                self.next_pull = began + asked if exhausted else began
            case acts.Commit(), acts.Done():
                self.cost = pace.smoothed(self.cost, self.hands.last.commit_seconds)
                self.voice.committed(self.hands)
                self.hands.upkeep()
            case acts.CutReached(position), _:
                self._tell_cut(position)
            case acts.Rest(), _:
                self.ending.wait(REST)

    def _tell(self, seen: acts.Outcome) -> None:
        line = telling.sentence(seen)
        if line is not None:
            log.log(line[0], "%s", line[1])

    def _is_well(self, seen: acts.Outcome) -> bool:
        """Whether an outage is over: not yet when the next step after it could still fail.

        A slot that was made mends what its making lacked; ``Report`` waits for the copy itself.
        """
        caught_up = isinstance(seen, acts.Pulled) and self.known.staged is None
        if caught_up or isinstance(seen, acts.Done | acts.Landed | acts.SlotMade):
            return True
        return self.clock() > self.failed_at + LULL

    # -- what others ask ------------------------------------------------------------------------

    def _hear(self) -> None:
        news = self.hands.copy_news()
        if news is not None:
            self.known = learn.learn(self.known, news)
            self._tell(news)
        if isinstance(news, acts.CopyFailed) and self.hands.problem is not None:
            raise self.hands.problem
        if self.known.failure is None and self.known.doubt is None:
            self._hear_cuts()

    def _hear_orders(self) -> None:
        """A changed job file: other tables are taken up, anything else ends this process."""
        if self.clock() >= self.next_look and self.known.staged is None:
            self.next_look = self.clock() + LOOK_EVERY
            news = self.hands.look_around(self.known)
            if news is not None:
                self.known = learn.learn(self.known, news)
                self._tell(news)
        new = self.orders.changed(self.clock()) if self.orders else None
        if new is None:
            return
        if new == self.hands.job:  # the same once more: `up` asks to try again
            self._try_again()
        elif orders.same_but_tables(self.hands.job, new):
            log.info("The file now names these tables: %s.", ", ".join(new.capture.tables))
            self.known = learn.learn(self.known, self.hands.take(new))
            self._try_again()
        else:
            log.info("The job changed; this process ends, and the next one takes it up.")
            self.ending.set()

    def _try_again(self) -> None:
        news = self.hands.retry(self.known)
        self.known = learn.learn(self.known, news)
        self._tell(news)
        self._note_orders()

    def _note_orders(self) -> None:
        """What is said from now on is about this version of the job."""
        if self.orders is not None:
            self.voice.job = self.orders.version

    def _hear_cuts(self) -> None:
        asked = cuts.current(self.hands.side, self.hands.job.name)
        cut = self.known.cut
        if asked is None:
            self.held = None
            self.known = learn.learn(self.known, acts.CutReleased()) if cut else self.known
        elif cut is None or (self.held is not None and self.held.id != asked.id):
            self.known = learn.learn(self.known, acts.HoldAsked())
            self.held = asked
        elif asked.position is not None and cut.at is None:
            self.known = learn.learn(self.known, acts.CutAsked(asked.position))
        elif asked.state == "hold" and self.known.staged is None and self.known.following:
            cuts.answer(self.hands.side, asked, "held", None)

    def _tell_cut(self, position: int) -> None:
        cut = self.known.cut
        # Not of this process's own commits: one before us may have ended between commit and answer.
        last = self.hands.lake.last_commit()
        if self.held is None or cut is None or last is None:
            return
        word = "done" if position == cut.at else "missed"
        cuts.answer(self.hands.side, self.held, word, last.id)
        self.known = learn.reached(self.known)

    def _outage(self, problem: errors.Finding) -> None:
        """Something we need is away. Half a transaction that is staged must be forgotten."""
        if self.known.opened and self.hands.batch.dirty:
            self.known = learn.learn(self.known, acts.PullFailed())
        self.trouble = problem.line
        self.voice.trouble(self.hands, self.known, self.trouble)
        wait = PATIENCE[min(self.failures, len(PATIENCE) - 1)]
        self.failures, self.failed_at = self.failures + 1, self.clock()
        self.begins("")
        log.warning("%s Trying again in %.1f s.", self.trouble, wait)
        self.ending.wait(wait)
