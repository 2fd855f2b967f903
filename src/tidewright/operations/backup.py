"""``backup create|list|verify|prune``: recovery points of one environment, by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from tidewright import errors
from tidewright.model import backups
from tidewright.operations import backup_place, state
from tidewright.operations.restoring import points
from tidewright.pipelines.backup import create as creating
from tidewright.pipelines.backup import faults, kept, store
from tidewright.pipelines.backup import proof as proving
from tidewright.pipelines.backup import prune as pruning
from tidewright.targets.local import driver
from tidewright.vault import sealing

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Line:
    """One point as ``backup list`` shows it; ``problem`` when its manifest cannot be trusted."""

    id: str
    at_ms: int | None = None
    bytes: int | None = None
    added: int | None = None
    exact: bool | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """One point read to the last byte. ``secrets``: whether a key was there to open them."""

    id: str
    findings: tuple[errors.Finding, ...]
    files: int
    bytes: int
    secrets: bool


def create(environment: state.Environment, say: Say, to: str | None = None) -> backups.Point:
    """Make a point now. The environment must run."""
    if not driver.running(environment.place):
        raise errors.Refused(
            "local.stopped", f"the environment {environment.name} is stopped",
            str(environment.place.project), f"Start it with: tidewright up {environment.name}",
        )  # fmt: skip
    asked = backup_place.job(environment, to)
    with kept.alone(asked):
        return creating.create(kept.making(asked, say, faults.from_environment(os.environ)))


def listed(wish: backup_place.Wish) -> tuple[Line, ...]:
    """Every point, oldest first, readable or not."""
    there = backup_place.found(wish)
    ids = there.store.ids()
    checker = there.checker if ids else None
    return tuple(_line(there.store, identity, checker) for identity in ids if checker)


def verify(wish: backup_place.Wish, wanted: str, say: Say) -> Verified:
    """Read every byte of a point again. Raises when the point itself cannot be trusted."""
    there = backup_place.found(wish)
    into, recovery = there.store, there.recovery
    points.some(into)
    opened = recovery or sealing.Recovery("", there.checker)
    point = points.choose(points.Source(into, opened), wanted)
    say(f"reading {point.bytes:,} bytes of {point.id}")
    found = tuple(proving.findings(into, point, recovery))
    return Verified(point.id, found, len(into.blobs()), point.bytes, recovery is not None)


def prune(environment: state.Environment, to: str | None = None) -> pruning.Pruned:
    """Forget what the file's retention does not keep."""
    asked = backup_place.job(environment, to)
    with kept.alone(asked):
        there = backup_place.of_job(asked)
        points.some(there.store)
        fault = faults.from_environment(os.environ)
        return pruning.prune(there.store, there.checker, asked.keep, asked.timing.zone, fault)


def _line(into: store.Store, identity: str, checker: sealing.Checker) -> Line:
    try:
        point = into.point(identity, checker)
    except errors.PlatformError as reason:
        return Line(identity, problem=reason.what)
    exact = all(f.exact for f in point.flows)
    return Line(identity, point.at_ms, point.bytes, point.added, exact)
