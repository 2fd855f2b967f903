"""What a run of ``create`` works with, and the chain of copies and logs that each server has."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.model import backups, flow, jobs
from tidewright.pipelines.backup import faults, servers, store, wal
from tidewright.vault import sealing

Say = Callable[[str], None]
SLOT, ONCE = "tidewright_backup", "tidewright_backup_once"


@dataclass(frozen=True, slots=True)
class Making:
    """Everything that a run needs. ``outside``: the place's folder, left out of the project."""

    job: jobs.BackupJob
    into: store.Store
    maker: sealing.Maker
    platform_id: str
    say: Say
    outside: Path | None = None
    fault: faults.Fault = faults.none

    @property
    def secrets(self) -> Path:
        return Path(str(self.job.secrets))

    @property
    def scratch(self) -> Path:
        """Where a server's log waits until a point has it; it survives a run that failed."""
        return Path(str(self.job.state)) / "data" / "backup"

    @property
    def chained(self) -> bool:
        """Whether servers keep their log from one point to the next."""
        return bool(self.job.timing.every or self.job.timing.cron)

    def live(self, server: jobs.BackedServer) -> servers.Live:
        slot = SLOT if self.chained else ONCE
        return servers.Live(server, self.secrets, self.scratch / "passwords", slot)

    def log_folder(self, server: str) -> Path:
        return self.scratch / "wal" / server


@dataclass(frozen=True, slots=True)
class Chain:
    """A server's copy and the log that follows it, as far as it is stored."""

    system_id: str
    base: backups.Base
    log: tuple[backups.File, ...]


def chain(making: Making, live: servers.Live, last: backups.Point | None, now_ms: int) -> Chain:
    """The chain of the last point when it can go on, else a new copy of the data folder."""
    name = live.server.name
    before = next((s for s in last.servers if s.name == name), None) if last else None
    why = "there is no copy yet" if making.chained else "no schedule keeps its log"
    if before is not None and making.chained:
        try:
            found = Chain(before.system_id, before.base, making.into.tree(before.wal).files)
            why = _broken(making, live, found, now_ms)
        except store.Damaged as reason:
            why = reason.what
        if not why:
            return found
    making.say(f"{name}: copying the data folder, since {why}")
    shutil.rmtree(making.log_folder(name), ignore_errors=True)
    live.make_slot()
    base, system = live.copy(making.into, now_ms)
    return Chain(system, base, ())


def extended(making: Making, live: servers.Live, old: Chain, target: str) -> Chain:
    """The chain with the log up to ``target``. Raises StepFailed when there is a gap.

    The slot is made before the copy, so the server sends some log that the copy does not need.
    """
    folder = making.log_folder(live.server.name)
    live.receive(folder)
    needed = [f for f in old.log if not wal.is_before(f.path, old.base.start)]
    known = {f.path for f in old.log}
    fresh = sorted(
        f
        for f in folder.iterdir()
        if wal.is_segment(f.name) and f.name not in known
        and not wal.is_before(f.name, old.base.start)
    )  # fmt: skip
    log = (*needed, *(making.into.put_file(f, f.name, pack=True) for f in fresh))
    gap = wal.missing((f.path for f in log), old.base.timeline, old.base.start, target)
    if gap:
        raise errors.StepFailed(
            "backup.server", f"the server did not send {gap[0]} of its log",
            f"server {live.server.name}", "Run it again: it then copies the data folder anew.",
        )  # fmt: skip
    return Chain(old.system_id, old.base, log)


def let_go(making: Making, live: servers.Live) -> None:
    """A point has the log: it need not wait here any more."""
    shutil.rmtree(making.log_folder(live.server.name), ignore_errors=True)
    if not making.chained:
        live.drop_slot()


def _broken(making: Making, live: servers.Live, found: Chain, now_ms: int) -> str:
    """Why a chain cannot go on; empty when it can."""
    if (found.system_id, found.base.timeline) != live.identity():
        return "the server is another one, or was restored"
    if not 0 <= now_ms - found.base.made_ms < making.job.timing.base * 1000:
        return "the last copy is old"
    kept = live.kept_from()
    if kept is None:
        return "the server no longer keeps its log for us"
    start = flow.lsn_value(found.base.start) // wal.SEGMENT
    folder = making.log_folder(live.server.name)
    waiting = [f.name for f in folder.glob("*") if wal.is_segment(f.name)]
    ends = [wal.number(n) + 1 for n in (*(f.path for f in found.log), *waiting)]
    if kept // wal.SEGMENT > max([start, *ends]):
        return "a part of its log is missing"
    stored = (*making.into.tree(found.base.tree).files, *found.log)
    if not all(making.into.has(f) for f in stored):
        return "a file of the last copy is missing in the backup"
    return ""
