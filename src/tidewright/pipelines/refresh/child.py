"""The heavy process: holds dbt and DuckDB while something changes, and ends when nothing does.

It belongs to the waiter: outcomes go up as lines on stdout, and when stdin ends, the waiter is
gone and so are we. Nothing here needs cleaning up after a kill.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

import psycopg

from tidewright import errors
from tidewright.kit import priority
from tidewright.model import codec, jobs
from tidewright.pipelines.refresh import commits, outcome, refresher

POLL = 0.1
IDLE = 30.0  # seconds without a change after which the process ends
BREATH = 2.0  # after a refresh that was held back, at least so long until the next
NICE = 19  # from the first marts on, capture goes first when there is not enough processor for all


class Loop:
    """Refreshes while commits come; ``run`` returns when none came for a while."""

    def __init__(self, work: refresher.Refresher, out: IO[str]) -> None:
        self.work = work
        self.out = out
        self.last: outcome.Outcome | None = None
        self.tried: Mapping[str, int] = {}
        self.active = time.monotonic()
        self.is_nice = False

    def run(self) -> None:
        while time.monotonic() - self.active < IDLE:
            started, worked = time.monotonic(), time.process_time()
            if not self.turn():
                time.sleep(POLL)
                continue
            time.sleep(self.pause(time.monotonic() - started, time.process_time() - worked))

    def pause(self, took: float, worked: float) -> float:
        """Seconds until the next look, so that we use half a processor at most.

        ``worked`` is processor time: waiting for a busy machine is not what has to be made up for.
        """
        if self.last is None or self.last.state == "waiting":
            return POLL
        pause = max(self.work.job.every - took, worked)
        return pause if self.is_good() else max(pause, BREATH)

    def turn(self) -> bool:
        """Refresh when there is a reason to. Answers whether it was done."""
        try:
            due = self.is_due()
        except (errors.PlatformError, psycopg.OperationalError) as reason:
            text = f"waiting for the catalog: {reason}"
            self._tell(outcome.Outcome("waiting", text, self.work.progress, again=True))
            time.sleep(1.0)
            return False
        if not due:
            return False
        self.active = time.monotonic()
        news = self.work.run()
        self.active = time.monotonic()  # a long refresh is no idleness
        if news.state == "degraded" and not news.again:
            self.work.saw(self.tried)
        self._tell(replace(news, progress=self.work.progress))
        if self.is_good() and not self.is_nice:
            priority.give_way(NICE)
            self.is_nice = True
        return True

    def is_due(self) -> bool:
        """A new commit with changes, an edited file, or an attempt that should be repeated."""
        flows, seen = self.work.job.lands, self.work.progress.seen
        head = commits.head(self.work.catalog(), flows, seen)
        if head is None:
            return self.last is None or self.last.again or self.work.is_edited()
        new = head.ids != self.tried
        self.tried = head.ids
        waiting = self.last is None or self.last.state == "waiting"
        again = self.last is not None and self.last.again
        return again or (new and (head.changed or waiting)) or self.work.is_edited()

    def is_good(self) -> bool:
        return self.last is not None and self.last.state == "published"

    def _tell(self, news: outcome.Outcome) -> None:
        """Send an outcome up, unless it only repeats that we wait."""
        if news.state == "waiting" and news == self.last:
            return
        self._log(news)
        self.last = news
        self.out.write(codec.dumps(news))
        self.out.flush()

    def _log(self, news: outcome.Outcome) -> None:
        """A line for people: when the state changes, and when an edit has been published."""
        last = self.last
        if last is None or news.state != last.state or news.edited != last.edited:
            print(f"{news.state}: {news.message}", file=sys.stderr, flush=True)  # noqa: T201
        elif news.state == "degraded" and news.message != last.message:
            print(f"degraded: {news.message}", file=sys.stderr, flush=True)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-refresh-child")
    parser.add_argument("--job", type=Path, required=True)
    parser.add_argument("--progress", required=True)
    arguments = parser.parse_args()
    out = _own_stdout()
    threading.Thread(target=_end_with_waiter, daemon=True).start()
    job = codec.loads(jobs.RefreshJob, arguments.job.read_text())
    progress = codec.loads(outcome.Progress, arguments.progress)
    Loop(refresher.Refresher(job, progress), out).run()


def _own_stdout() -> IO[str]:
    """Keep stdout for outcomes; what libraries print goes to the log."""
    kept = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return kept


def _end_with_waiter() -> None:
    """Wait for the end of stdin. The process may be deep in DuckDB, so it ends at once.

    The descriptor is read without ``sys.stdin``, whose lock a thread must not hold at exit.
    """
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
