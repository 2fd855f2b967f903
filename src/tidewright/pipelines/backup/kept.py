"""From a job to the place that it means: the store, the keys, and one run at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tidewright import errors
from tidewright.kit import files
from tidewright.model import jobs
from tidewright.pipelines.backup import buckets, faults, places, store
from tidewright.pipelines.backup import making as makings
from tidewright.vault import sealing

LOCK = "backup.lock"


def folder(job: jobs.BackupJob) -> Path:
    """The folder that ``to`` means, from the folder of the platform's file unless absolute."""
    return Path(os.path.normpath(Path(str(job.project)) / Path(job.to).expanduser()))


def below(job: jobs.BackupJob) -> str:
    """The environment's own name among all that keep backups there."""
    return f"{job.platform}-{job.environment}-{platform_id(Path(str(job.project)))}"


def place(job: jobs.BackupJob) -> places.Place:
    """Where this environment's points are."""
    if job.bucket is None:
        return places.Folder(folder(job) / below(job))
    spool = Path(str(job.state)) / "data" / "backup" / "spool"
    found = buckets.Bucket(job.bucket, below(job), Path(str(job.secrets)), spool)
    found.reach()
    return found


def title(job: jobs.BackupJob) -> str:
    """What messages call the place that the file names."""
    return job.to if job.bucket is not None else str(folder(job))


def recovery_file(job: jobs.BackupJob) -> Path:
    """Where a new recovery key is written, and where it is looked for first."""
    return Path(str(job.project)) / ".tidewright" / f"recovery-{job.environment}.key"


def platform_id(project: Path) -> str:
    """The id that was made for the platform in this folder."""
    return (project / ".tidewright" / "id").read_text(encoding="utf-8").strip()


def keys(job: jobs.BackupJob, say: Callable[[str], None]) -> sealing.Maker:
    """The keys of this environment. Made at the first use, and then said where to take them."""
    file = recovery_file(job)
    title = f"{job.platform}/{job.environment}"
    maker, made = sealing.maker(Path(str(job.secrets)), file, title)
    if made:
        say(
            f"Made the recovery key {maker.fingerprint}: {file}\n"
            "  Take a copy to a place that is neither this machine nor the backups. Without it the "
            "secrets in them cannot be opened."
        )
    return maker


def making(job: jobs.BackupJob, say: Callable[[str], None], fault: faults.Fault) -> makings.Making:
    """Everything that a run of ``create`` needs."""
    return makings.Making(
        job, store.Store(place(job)), keys(job, say), platform_id(Path(str(job.project))), say,
        None if job.bucket else folder(job), fault,
    )  # fmt: skip


@contextlib.contextmanager
def alone(job: jobs.BackupJob) -> Iterator[None]:
    """One run changes an environment's backups at a time; another one is refused, not queued."""
    run = files.private_folder(Path(str(job.state)) / "run")
    handle = os.open(run / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.Refused(
                "backup.busy", "another command works on these backups", title(job),
                "Wait until it is done, then run this one again.",
            ) from None  # fmt: skip
        yield
    finally:
        os.close(handle)
