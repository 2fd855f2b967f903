"""The backup service as a plain process, and the job that ``backup create`` does by hand as well.

What there is to back up is read from the other services: every server that has an administrator,
every capture, and the lake that anybody works on. A new kind of stage needs no word here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tidewright.model import jobs, values
from tidewright.model import platform as nouns

NAME = "backup"
TO = "backups"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the file asks for, or the command line in its place."""

    platform: str
    environment: str
    file: str
    to: str
    timing: jobs.Timing = field(default_factory=jobs.Timing)
    keep: jobs.Retention = field(default_factory=jobs.Retention)
    bucket: jobs.Bucket | None = None


def job(wish: Wish, others: Iterable[nouns.Service]) -> jobs.BackupJob:
    """Everything that a recovery point of these services needs."""
    others = tuple(others)
    found = [s.process.job for s in others if s.process.job is not None]
    lakes = (getattr(one, "lake", None) for one in found if not isinstance(one, jobs.BackupJob))
    return jobs.BackupJob(
        platform=wish.platform,
        environment=wish.environment,
        file=wish.file,
        project=values.Folder("project"),
        state=values.Folder("run", ".."),
        secrets=values.Folder("secrets"),
        status=values.Folder("run", f"{NAME}.json"),
        servers=tuple(_server(one) for one in found if isinstance(one, jobs.GrantsJob)),
        captures=tuple(one for one in found if isinstance(one, jobs.CaptureJob)),
        played=tuple(_played(others)),
        lake=next((lake for lake in lakes if lake is not None), None),
        to=wish.to,
        timing=wish.timing,
        keep=wish.keep,
        bucket=wish.bucket,
    )


def service(wish: Wish, others: Iterable[nouns.Service]) -> nouns.Service:
    """The service that makes points on the file's schedule."""
    mine = job(wish, others)
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.backup", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=mine)
    return nouns.Service(
        name=NAME,
        role="makes recovery points on a schedule",
        component="backup",
        process=process,
        probe=nouns.Heartbeat(mine.status, 60.0),
        needs=tuple(s.name for s in others if isinstance(s.process.job, jobs.GrantsJob)),
    )


def _played(others: Iterable[nouns.Service]) -> Iterator[jobs.Played]:
    """What stands for the outside world: without it, a restored lake would have another source."""
    for service in others:
        match service.process.job:
            case jobs.ServeJob(folder=folder) | jobs.GeneratorJob(landing=folder):
                yield jobs.Played(service.name, folder)


def _server(grants: jobs.GrantsJob) -> jobs.BackedServer:
    host = grants.admin.host
    assert isinstance(host, values.Ref), "the administrator of a bundled server is reached by it"
    return jobs.BackedServer(host.service, grants.admin)
