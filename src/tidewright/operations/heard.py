"""What capture says of the tables of the job that it was just given.

A service may be well while a table of the file is not captured. ``up`` waits until the worker has
looked at each of them: it follows or copies it, or tells why it does not.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.model import jobs, observed, values
from tidewright.model import platform as nouns
from tidewright.operations import observing
from tidewright.targets.local import description, layout

# A table may wait for long behind an open transaction or a cut; that is no failure.
PATIENCE = 15.0


@dataclass(slots=True)
class Word:
    """Capture's own word. ``excused``: tables that are copied again in any case."""

    place: layout.Layout
    service: str | None
    excused: frozenset[str] = frozenset()
    _since: float | None = None

    def settled(self, status: observed.SupervisorStatus) -> bool:
        """Whether every table has its answer. Raises StepFailed for those that have stopped."""
        if self.service is None:
            return True
        if self._since is None:
            self._since = time.monotonic()
        pid = next((s.pid for s in status.services if s.name == self.service), None)
        told = observing.observe(self.place.root).capture
        late = time.monotonic() - self._since > PATIENCE
        if told is None or told.pid != pid or told.job != version(self.place, self.service):
            return late
        # One that never came was tried again just now, whether or not it is to be copied again.
        mine = [d for d in told.datasets if d.dataset not in self.excused or not d.held]
        halted = [d for d in mine if d.state == "stopped" and d.message]
        if halted:
            raise _stopped(halted, self.service)
        return late or all(d.state != "waiting" for d in mine)


def word(
    platform: nouns.Platform,
    place: layout.Layout,
    made: description.Description,
    excused: frozenset[str] = frozenset(),
) -> Word:
    """The word of the platform's capture, if it has one that reports."""
    unit = next((u for u in made.units if u.name in capturing(platform)), None)
    reports = unit is not None and isinstance(unit.probe, description.HeartbeatProbe)
    return Word(place, unit.name if unit is not None and reports else None, excused)


def capturing(platform: nouns.Platform) -> tuple[str, ...]:
    """The services that run a capture job."""
    return tuple(s.name for s in platform.services if isinstance(s.process.job, jobs.CaptureJob))


def try_again(platform: nouns.Platform, place: layout.Layout) -> None:
    """Ask a running capture that has stopped tables to look at those it never copied once more."""
    told = observing.observe(place.root).capture
    if told is None or not any(d.state == "stopped" for d in told.datasets):
        return
    for service in capturing(platform):
        with contextlib.suppress(FileNotFoundError):
            os.utime(_job(place, service))


def never(place: layout.Layout) -> frozenset[str]:
    """Tables that the lake has never had and that are not being copied: nothing of them is lost."""
    told = observing.observe(place.root).capture
    found = told.datasets if told is not None else ()
    return frozenset(d.dataset for d in found if not d.held and d.state in ("stopped", "waiting"))


def version(place: layout.Layout, service: str) -> int:
    """Which version of its job a service was given last."""
    try:
        return _job(place, service).stat().st_mtime_ns
    except OSError:
        return 0


def _job(place: layout.Layout, service: str) -> Path:
    return place.folder(values.Folder("config", f"{service}/job.json"))


def _stopped(halted: list[observed.DatasetState], service: str) -> errors.StepFailed:
    told = "; ".join(f"{d.dataset} is not captured: {d.message}" for d in halted)
    had = [d for d in halted if d.held]
    again = "".join(f" --recopy {shlex.quote(d.dataset)}" for d in had)
    return errors.StepFailed(
        "source.table_stopped",
        told,
        f"service {service}",
        f"`tidewright check` names what your source lacks. Mend it, then: tidewright up{again};"
        " or take it out of the file. Everything else runs.",
    )
