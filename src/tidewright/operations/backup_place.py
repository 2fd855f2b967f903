"""Whose points a command means: an environment's, a destroyed one's, or those in a named place.

Where they are kept is in the file (``backup: {to: ...}``), else beside it in ``../backups``. Each
environment of each platform has a folder of its own there, so that a restored platform never
writes among the points of the one it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tidewright import errors
from tidewright.components.backup import program
from tidewright.model import codec, jobs
from tidewright.operations import lakeside, project, state
from tidewright.operations.restoring import points
from tidewright.pipelines.backup import buckets, kept, places, store
from tidewright.targets.local import layout, ports, resolve
from tidewright.vault import files as vault
from tidewright.vault import sealing

DEFAULT = "../backups"
BUCKET = "s3://"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says of it. ``to``: another place than the file's.

    ``source``: where ``blobs/`` and ``points/`` are when the platform is gone: a folder, or
    ``s3://bucket/prefix`` behind ``endpoint``.
    """

    file: Path
    environment: str | None
    to: str | None = None
    source: str | None = None
    key: Path | None = None
    endpoint: str = ""
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class Found:
    """The points; the recovery key when it is at hand; where the machine's own keys are."""

    store: store.Store
    recovery: sealing.Recovery | None
    secrets: Path | None = None

    @property
    def checker(self) -> sealing.Checker:
        """Who must have signed: as the recovery key says, else as this machine's own key says."""
        if self.recovery is not None:
            return self.recovery.checker
        if self.secrets is None or not vault.exists(self.secrets, sealing.SIGNING):
            raise errors.Refused(
                "backup.no_key", "neither the recovery key nor this environment's own key is here",
                self.store.place.title, "Name the recovery key: --key FILE.",
            )  # fmt: skip
        return sealing.own_checker(self.secrets)


def found(wish: Wish) -> Found:
    """The points that are meant. Raises Refused when that cannot be told."""
    if wish.source is not None:
        if wish.key is None:
            raise errors.Refused(
                "backup.no_key", "a backup of a platform that is gone needs its recovery key",
                wish.source, "Name it: --key FILE.",
            )  # fmt: skip
        return Found(store.Store(elsewhere(wish)), sealing.read(wish.key))
    return of_job(standing(wish), wish.key)


def of_job(asked: jobs.BackupJob, key: Path | None = None) -> Found:
    """The points of an environment; the recovery key that was named, else the one beside it."""
    file = kept.recovery_file(asked)
    recovery = sealing.read(key or file) if key is not None or file.exists() else None
    return Found(store.Store(kept.place(asked)), recovery, Path(str(asked.secrets)))


def source(wish: Wish) -> points.Source:
    """The points that are meant, with the key that opens them. Raises Refused without one."""
    if wish.source is not None:
        there = found(wish)
        assert there.recovery is not None, "without a key it was refused"
        return points.Source(there.store, there.recovery)
    return own(standing(wish), wish.key)


def own(asked: jobs.BackupJob, key: Path | None) -> points.Source:
    """An environment's own points with the key that opens them. Raises Refused without one."""
    points.some(store.Store(kept.place(asked)))
    opened = sealing.read(key or kept.recovery_file(asked))
    return points.Source(store.Store(kept.place(asked)), opened)


def elsewhere(wish: Wish) -> places.Place:
    """Where the points of a platform are that is gone."""
    assert wish.source is not None
    if not wish.source.startswith(BUCKET):
        return places.Folder(Path(wish.source).absolute())
    name, _, prefix = wish.source.removeprefix(BUCKET).partition("/")
    bucket = jobs.Bucket(name, prefix.strip("/"), wish.endpoint, wish.region)
    # Nothing is written there, so there is no spool; who may enter is in AWS's own variables.
    there = buckets.Bucket(bucket, "", Path(), Path())
    there.reach()
    return there


def standing(wish: Wish) -> jobs.BackupJob:
    """The job of an environment; of one that was destroyed, as far as its file tells it."""
    try:
        return job(project.environment(wish.file, wish.environment), wish.to)
    except errors.Refused as reason:
        if reason.code != "local.never_up":
            raise
        asked = _destroyed(wish)
        if asked is None or not store.Store(kept.place(asked)).ids():
            raise
        return asked


def job(environment: state.Environment, to: str | None = None) -> jobs.BackupJob:
    """The job of the file's own service, or one for a backup by hand; every value resolved."""
    declared = next(iter(lakeside.of_kind(environment, jobs.BackupJob)), None)
    if declared is not None and to is None:
        return declared[1]
    _refuse_bucket(to)
    applied = environment.applied
    wish = program.Wish(applied.name, environment.name, _file(environment), to or DEFAULT)
    resolver = resolve.Resolver(environment.place, ports.read(environment.place.root))
    return codec.loads(jobs.BackupJob, resolver.record(program.job(wish, applied.services)))


def _destroyed(wish: Wish) -> jobs.BackupJob | None:
    """Where its points are, and nothing of what ran: that is gone, with its ports."""
    if not project.find(wish.file).is_file():
        return None
    read = project.load(wish.file, wish.environment)
    place = layout.locate(read.folder, read.environment)
    if place is None:
        return None
    _refuse_bucket(wish.to)
    services = (s.process.job for s in read.platform.services)
    declared = next((j for j in services if isinstance(j, jobs.BackupJob)), None)
    if declared is None or wish.to is not None:
        name = project.find(wish.file).name
        asked = program.Wish(read.platform.name, read.environment, name, wish.to or DEFAULT)
        declared = program.job(asked, ())
    bare = replace(declared, servers=(), captures=(), lake=None, played=())
    return codec.loads(jobs.BackupJob, resolve.Resolver(place, {}).record(bare))


def _refuse_bucket(to: str | None) -> None:
    if to is not None and to.startswith(BUCKET):
        raise errors.Refused(
            "backup.into", "a bucket is named in the file, with its server and credentials", to,
            "Write backup: {to: s3://bucket/prefix, credentials: {secret: NAME}}.",
        )  # fmt: skip


def _file(environment: state.Environment) -> str:
    """The name of the platform's file, as the console was told it."""
    services = (s.process.job for s in environment.applied.services)
    console = next((j for j in services if isinstance(j, jobs.ConsoleJob)), None)
    return str(getattr(console.platform_file, "path", "")) if console else "platform.yaml"
