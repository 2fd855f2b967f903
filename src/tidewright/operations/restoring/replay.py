"""A server's copied data folder, brought to its position by its own log, and left running.

The server runs with the very command and files that it will have under the supervisor, plus where
to stop. It replays every record that begins before the target and no other; so it holds exactly the
transactions that a lake at that position holds. Then it goes on as a timeline of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.kit import files
from tidewright.model import backups, codec, jobs
from tidewright.operations.restoring import ground as grounds
from tidewright.operations.restoring import points
from tidewright.pipelines.backup import store, wal
from tidewright.targets.local import description, spawn

PATIENCE = 900.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_TARGET_MISSED = re.compile(r"recovery ended before configured recovery target")
_NO_START = re.compile(r"could not locate a valid checkpoint|could not find redo location")


@dataclass(frozen=True, slots=True)
class Running:
    """A restored server that answers. ``admin``: how its administrator reaches it."""

    server: backups.Server
    admin: jobs.BackedServer
    secrets: Path
    process: subprocess.Popen[bytes]

    def connect(self, database: str = "") -> psycopg.Connection[Any]:
        options = {"dbname": database} if database else {}
        return postgres.connect(self.admin.admin, self.secrets, **options)

    def stop(self) -> None:
        """A fast shutdown, with everything on disk."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def admins(ground: grounds.Ground) -> Mapping[str, jobs.BackedServer]:
    """Each bundled server of the restored platform, by name."""
    found = {}
    for service in ground.environment.applied.services:
        job = service.process.job
        if isinstance(job, jobs.GrantsJob):
            path = ground.place.root / f"config/{service.name}/job.json"
            told = codec.loads(jobs.GrantsJob, path.read_text(encoding="utf-8"))
            name = service.needs[0]
            found[name] = jobs.BackedServer(name, told.admin)
    return found


def _unit(server: backups.Server, ground: grounds.Ground) -> description.Unit:
    unit = ground.rendered.description.unit(server.name)
    if unit is None or server.name not in admins(ground):
        raise errors.Refused(
            "backup.manifest", f"the platform's file has no server {server.name} any more",
            server.name, "Use the version of this program that made the point.",
        )  # fmt: skip
    return unit


@contextlib.contextmanager
def replayed(server: backups.Server, ground: grounds.Ground) -> Iterator[Running]:
    """The fetched server at its target, running while inside; stopped in good order at the end."""
    unit = _unit(server, ground)
    segments = Path(unit.folder) / "wal"
    log = ground.place.logs / f"restore-{server.name}.log"
    with log.open("wb") as said:
        process = _start(unit, segments, server.target, said.fileno())
    running = Running(server, admins(ground)[server.name], ground.place.secrets, process)
    try:
        _await(running, log)
        yield running
    finally:
        running.stop()
        shutil.rmtree(segments, ignore_errors=True)


def fetch(source: points.Source, server: backups.Server, ground: grounds.Ground) -> None:
    """The data folder and its log on disk, owned by who runs the server."""
    unit, target = _unit(server, ground), server.target
    log = source.store.tree(server.wal).files
    gap = wal.missing((f.path for f in log), server.base.timeline, server.base.start, target)
    if gap:
        raise store.Damaged(
            "backup.missing_log",
            f"the log of {server.name} has a gap: {gap[0]} is not in the backup",
            f"server {server.name}", "Take a point before the gap, or one with a newer copy.",
        )  # fmt: skip
    spawn.make_folder(unit)
    data, segments = Path(unit.folder) / "pg", Path(unit.folder) / "wal"
    tree = source.store.tree(server.base.tree)
    for folder in (data, segments, *(data / f for f in tree.folders)):
        files.private_folder(
            grounds.inside(Path(unit.folder), str(folder.relative_to(unit.folder)))
        )
    for file in tree.files:
        source.store.fetch(file, grounds.inside(data, file.path))
    for file in log:
        if file.path in wal.needed(server.base.timeline, server.base.start, target):
            source.store.fetch(file, grounds.inside(segments, file.path))
    (data / "recovery.signal").touch()
    _check_copy(data, tree, server)
    _hand_over(Path(unit.folder), unit.account)


def _check_copy(data: Path, tree: backups.Tree, server: backups.Server) -> None:
    """The server's own manifest of the copy against what was stored and just fetched.

    The wheel's pg_verifybackup crashes on every manifest, so its comparison is made here.
    """
    text = (data / "backup_manifest").read_bytes()
    told = json.loads(text)
    body = text[: text.rindex(b'"Manifest-Checksum"')]
    stored = {f.path: f.sha256 for f in tree.files if f.path != "backup_manifest"}
    sent = {f["Path"]: f["Checksum"] for f in told["Files"]}
    wrong = sorted(p for p in stored.keys() | sent.keys() if stored.get(p) != sent.get(p))
    if hashlib.sha256(body).hexdigest() != told["Manifest-Checksum"]:
        wrong.insert(0, "backup_manifest")
    if wrong:
        raise store.Damaged(
            "backup.damaged",
            f"{wrong[0]} in the copy of {server.name} is not what the server sent",
            f"server {server.name}", "Take an older point.",
        )  # fmt: skip


def _hand_over(folder: Path, account: str | None) -> None:
    if account is None:
        return
    entry = pwd.getpwnam(account)
    for path, folders, names in os.walk(folder):
        for name in (*folders, *names):
            os.chown(Path(path) / name, entry.pw_uid, entry.pw_gid)


def _start(
    unit: description.Unit, segments: Path, target: str, output: int
) -> subprocess.Popen[bytes]:
    place = str(segments).replace("%", "%%")
    settings = {
        "restore_command": f'cp "{place}/%f" "%p"',
        "recovery_target_lsn": target,
        "recovery_target_inclusive": "off",
        "recovery_target_action": "promote",
        "recovery_target_timeline": "current",
        "recovery_init_sync_method": "syncfs" if os.uname().sysname == "Linux" else "fsync",
        "hot_standby": "off",
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    spawn.forget_dead(unit)
    account: dict[str, Any] = {}
    if unit.account:
        entry = pwd.getpwnam(unit.account)
        account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return subprocess.Popen(
        (*unit.argv, *words), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        cwd=unit.folder, env=spawn.environment(unit), start_new_session=True, umask=0o077,
        preexec_fn=_end_with_us, **account,
    )  # fmt: skip


def _end_with_us() -> None:
    """In the server's process: when the command dies, the kernel ends the server at once."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _await(running: Running, log: Path) -> None:
    """Until it has replayed all and accepts changes. Raises with what its log says when it ends."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            raise _failed(running.server, log.read_text(encoding="utf-8", errors="replace"))
        with contextlib.suppress(postgres.NotThere), running.connect() as conn:
            row = conn.execute("select pg_is_in_recovery()").fetchone()
            if row is not None and not row[0]:
                return
        time.sleep(0.05)
    raise errors.TimedOut(
        "backup.replay", f"the server did not come up within {PATIENCE:.0f} s",
        f"server {running.server.name}", f"See {log}.",
    )  # fmt: skip


def _failed(server: backups.Server, said: str) -> errors.PlatformError:
    fatal = [x for x in said.splitlines() if re.search(r"\b(FATAL|PANIC):", x)]
    line = fatal[-1].partition(": ")[2].strip() if fatal else "its log says nothing"
    if _TARGET_MISSED.search(said):
        return store.Damaged(
            "backup.missing_log",
            f"the log of {server.name} ends before the point's position {server.target}",
            f"server {server.name}", "Take an older point.",
        )  # fmt: skip
    code = "backup.damaged" if _NO_START.search(said) else "backup.replay"
    return store.Damaged(
        code, f"{server.name} could not replay its log: {line}", f"server {server.name}",
        "Take an older point; see the log of the restore.",
    )  # fmt: skip


def timeline(conn: psycopg.Connection[Any]) -> int:
    """The timeline that the server writes now."""
    row = conn.execute("select pg_walfile_name(pg_current_wal_insert_lsn())").fetchone()
    assert row is not None
    return int(row[0][:8], 16)
