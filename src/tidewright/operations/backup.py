"""``backup create|list|verify|prune``: recovery points of one environment, by hand.

Where they are kept is in the file (``backup: {to: ...}``), else beside it in ``../backups``. Each
environment of each platform has a folder of its own there, so that a restored platform never
writes among the points of the one it came from.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.components.backup import program
from tidewright.model import backups, codec, jobs
from tidewright.operations import lakeside, state
from tidewright.operations.restoring import points
from tidewright.pipelines.backup import create as creating
from tidewright.pipelines.backup import faults, kept, store
from tidewright.pipelines.backup import proof as proving
from tidewright.pipelines.backup import prune as pruning
from tidewright.targets.local import driver, ports, resolve
from tidewright.vault import sealing

Say = Callable[[str], None]
DEFAULT = "../backups"
BUCKET = "s3://"


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


def job(environment: state.Environment, to: str | None = None) -> jobs.BackupJob:
    """The job of the file's own service, or one for a backup by hand; every value resolved."""
    found = next(iter(lakeside.of_kind(environment, jobs.BackupJob)), None)
    if found is not None and to is None:
        return found[1]
    if to is not None and to.startswith(BUCKET):
        raise errors.Refused(
            "backup.into", "a bucket is named in the file, with its server and credentials", to,
            "Write backup: {to: s3://bucket/prefix, credentials: {secret: NAME}}.",
        )  # fmt: skip
    applied = environment.applied
    wish = program.Wish(applied.name, environment.name, _file(environment), to or DEFAULT)
    resolver = resolve.Resolver(environment.place, ports.read(environment.place.root))
    return codec.loads(jobs.BackupJob, resolver.record(program.job(wish, applied.services)))


def create(environment: state.Environment, say: Say, to: str | None = None) -> backups.Point:
    """Make a point now. The environment must run."""
    if not driver.running(environment.place):
        raise errors.Refused(
            "local.stopped", f"the environment {environment.name} is stopped",
            str(environment.place.project), f"Start it with: tidewright up {environment.name}",
        )  # fmt: skip
    asked = job(environment, to)
    with kept.alone(asked):
        return creating.create(kept.making(asked, say, faults.from_environment(os.environ)))


def listed(environment: state.Environment, to: str | None = None) -> tuple[Line, ...]:
    """Every point, oldest first, readable or not."""
    asked = job(environment, to)
    into = store.Store(kept.place(asked))
    ids = into.ids()
    checker = _checker(asked, None) if ids else None
    return tuple(_line(into, identity, checker) for identity in ids if checker)


def verify(
    environment: state.Environment, wanted: str, say: Say, key: Path | None = None,
    to: str | None = None,
) -> Verified:  # fmt: skip
    """Read every byte of a point again. Raises when the point itself cannot be trusted."""
    asked = job(environment, to)
    into = store.Store(kept.place(asked))
    points.some(into)
    recovery = recovery_key(asked, key)
    checker = _checker(asked, recovery)
    opened = recovery or sealing.Recovery("", checker)
    point = points.choose(points.Source(into, opened), wanted)
    say(f"reading {point.bytes:,} bytes of {point.id}")
    found = tuple(proving.findings(into, point, recovery))
    return Verified(point.id, found, len(into.blobs()), point.bytes, recovery is not None)


def prune(environment: state.Environment, to: str | None = None) -> pruning.Pruned:
    """Forget what the file's retention does not keep."""
    asked = job(environment, to)
    with kept.alone(asked):
        points.some(store.Store(kept.place(asked)))
        into, fault = store.Store(kept.place(asked)), faults.from_environment(os.environ)
        return pruning.prune(into, _checker(asked, None), asked.keep, asked.timing.zone, fault)


def source(asked: jobs.BackupJob, key: Path | None) -> points.Source:
    """An environment's own points with the key that opens them. Raises Refused without one."""
    points.some(store.Store(kept.place(asked)))
    found = sealing.read(key or kept.recovery_file(asked))
    return points.Source(store.Store(kept.place(asked)), found)


def recovery_key(asked: jobs.BackupJob, key: Path | None) -> sealing.Recovery | None:
    """The key that was named, else the one beside the file; None when it was taken away."""
    if key is not None:
        return sealing.read(key)
    file = kept.recovery_file(asked)
    return sealing.read(file) if file.exists() else None


def _checker(asked: jobs.BackupJob, recovery: sealing.Recovery | None) -> sealing.Checker:
    """Who must have signed: as the recovery key says, else as this machine's own key says."""
    found = recovery or recovery_key(asked, None)
    if found is not None:
        return found.checker
    return sealing.own_checker(Path(str(asked.secrets)))


def _line(into: store.Store, identity: str, checker: sealing.Checker) -> Line:
    try:
        point = into.point(identity, checker)
    except errors.PlatformError as reason:
        return Line(identity, problem=reason.what)
    exact = all(f.exact for f in point.flows)
    return Line(identity, point.at_ms, point.bytes, point.added, exact)


def _file(environment: state.Environment) -> str:
    """The name of the platform's file, as the console was told it."""
    found = (s.process.job for s in environment.applied.services)
    console = next((j for j in found if isinstance(j, jobs.ConsoleJob)), None)
    return str(getattr(console.platform_file, "path", "")) if console else "platform.yaml"
