"""When the next sync is due: after so long, after a failure with patience, or by a calendar.

A calendar needs the last time also after a restart, so it is kept beside the connector's scratch
files. It says nothing of rows: what is lost with it is one sync that finds nothing new.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tidewright.kit import files, schedule
from tidewright.model import codec, jobs
from tidewright.pipelines.mover import statusfile

FILE = "synced.json"
PATIENCE = (1.0, 2.0, 5.0, 10.0, 30.0)


def patience(failures: int) -> float:
    """Seconds until the next attempt after so many failures in a row."""
    return PATIENCE[min(failures, len(PATIENCE)) - 1]


@dataclass(slots=True)
class Timing:
    """``now`` in epoch milliseconds, ``clock`` in seconds that only grow."""

    job: jobs.LoadJob
    clock: Callable[[], float]
    now: Callable[[], int] = statusfile.now_ms

    @property
    def rule(self) -> schedule.Rule:
        load = self.job.load
        return schedule.Rule(load.every, load.cron, load.zone)

    def done(self, at_ms: int) -> None:
        """A sync that began then came to its end."""
        if self.rule.cron is not None:
            told = json.dumps({"at_ms": at_ms, "of": self._of()})
            folder = files.private_folder(Path(str(self.job.scratch)))
            files.replace_private(folder / FILE, told)

    def due_ms(self) -> int:
        """When the calendar says; now, when nothing was pulled yet, or something else than now."""
        now = self.now()
        return schedule.due(self.rule, self._last(), now)

    def waiting(self, began: float, failures: int) -> Callable[[], float]:
        """A function that says how many seconds are left. ``began``: when the last sync did."""
        if failures:
            end = self.clock() + patience(failures)
        elif self.rule.every is not None:
            end = began + self.rule.every
        else:
            due = self.due_ms()
            return lambda: (due - self.now()) / 1000
        return lambda: end - self.clock()

    def said(self) -> str:
        """For the status."""
        if self.rule.cron is None:
            return f"synced every {self.rule.every:g} s"
        zone = zoneinfo.ZoneInfo(self.rule.zone)
        due = dt.datetime.fromtimestamp(self.due_ms() / 1000, zone)
        return f"synced by {self.rule.cron}, next {due:%Y-%m-%d %H:%M} {self.rule.zone}"

    def _last(self) -> int | None:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads((Path(str(self.job.scratch)) / FILE).read_text(encoding="utf-8"))
            if told["of"] == self._of():
                return int(told["at_ms"])
        return None

    def _of(self) -> str:
        """What is pulled, apart from when: another list of streams is not put off until night."""
        what = replace(self.job.load, every=None, cron=None, zone="UTC", timeout=0.0)
        return hashlib.sha256(codec.dumps(what).encode()).hexdigest()[:16]
