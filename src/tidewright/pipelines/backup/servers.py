"""A running PostgreSQL server into a backup: its data by pg_basebackup, its log by pg_receivewal.

Between two runs a physical slot makes the server keep its log; the next run receives what came
since and lets it go. When the slot is lost, or the last copy is old, the data is copied anew.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tidewright import errors
from tidewright.clients import pgserver, postgres
from tidewright.kit import files
from tidewright.model import backups, flow, jobs
from tidewright.pipelines.backup import store
from tidewright.vault import files as vault

SEGMENT = 16 << 20
RECEIVE_SECONDS = 900.0
MARK = "tidewright backup"
_SLOT = """
select restart_lsn::text from pg_replication_slots
where slot_name = %s and slot_type = 'physical' and wal_status is distinct from 'lost'
"""


@dataclass(frozen=True, slots=True)
class Live:
    """A running server as its administrator sees it. ``slot`` keeps its log for us."""

    server: jobs.BackedServer
    secrets: Path
    scratch: Path
    slot: str

    def connect(self, database: str = "") -> psycopg.Connection[Any]:
        """A session of the administrator, in ``database`` or the one of the job."""
        options = {"dbname": database} if database else {}
        return postgres.connect(self.server.admin, self.secrets, **options)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """One statement and its rows."""
        with self.connect() as conn:
            return conn.execute(query.encode(), values).fetchall()

    def identity(self) -> tuple[str, int]:
        """System id and timeline."""
        system = self.ask("select system_identifier::text from pg_control_system()")[0][0]
        name = self.ask("select pg_walfile_name(pg_current_wal_insert_lsn())")[0][0]
        return str(system), int(name[:8], 16)

    def mark(self) -> str:
        """Everything before the answered position is on disk, and a record begins there next."""
        with self.connect() as conn:
            return mark(conn)

    def kept_from(self) -> int | None:
        """From where on the slot keeps the log; None when there is no slot, or it was lost."""
        rows = self.ask(_SLOT, self.slot)
        return flow.lsn_value(rows[0][0]) if rows and rows[0][0] else None

    def make_slot(self) -> None:
        """A fresh slot that keeps the log from this moment on."""
        self.drop_slot()
        self.ask("select pg_create_physical_replication_slot(%s, true)", self.slot)

    def drop_slot(self) -> None:
        """Let the server forget its log."""
        self.ask(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots"
            " where slot_name = %s and not active", self.slot,
        )  # fmt: skip

    # -- the data folder --------------------------------------------------------------------------

    def copy(self, into: store.Store, made_ms: int) -> tuple[backups.Base, str]:
        """The data folder as it streams out of the server; and the server's system id."""
        options = ("-D", "-", "-Ft", "-X", "none", "-c", "fast", "--manifest-checksums=SHA256")
        with self._running("pg_basebackup", *options) as process:
            assert process.stdout is not None
            found, manifest = _unpack(process.stdout, into)
        span = manifest["WAL-Ranges"][0]
        tree = into.put_tree(found, f"{self.server.name}/base")
        base = backups.Base(tree, made_ms, span["Timeline"], span["Start-LSN"], span["End-LSN"])
        return base, str(manifest["System-Identifier"])

    # -- the log ----------------------------------------------------------------------------------

    def receive(self, folder: Path) -> None:
        """Bring whole segments of the log into ``folder``, up to one that begins after now."""
        with self.connect() as conn:
            mark(conn)
            row = conn.execute("select pg_switch_wal()::text").fetchone()
            assert row is not None
            end = -(-flow.lsn_value(row[0]) // SEGMENT) * SEGMENT - 1
        files.private_folder(folder)
        for half in folder.glob("*.partial"):
            half.unlink()
        options = ("-D", str(folder), "--slot", self.slot, "--endpos", flow.lsn_text(end))
        with self._running("pg_receivewal", *options, "--no-loop", "--synchronous") as process:
            process.communicate(timeout=RECEIVE_SECONDS)

    @contextlib.contextmanager
    def _running(self, program: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run one of PostgreSQL's programs; its password is in a file that only we may read."""
        admin = self.server.admin
        where = ("-h", str(admin.host), "-p", str(admin.port), "-U", admin.user, "-w")
        with contextlib.ExitStack() as leaving:
            said = leaving.enter_context(tempfile.TemporaryFile())
            passwords = leaving.enter_context(pgserver.passwords(self.scratch, self._password()))
            process = subprocess.Popen(
                (str(pgserver.program(program)), *where, *options),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
                env={"PGPASSFILE": str(passwords), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            )  # fmt: skip
            try:
                yield process
                code = process.wait(timeout=RECEIVE_SECONDS)
            except (subprocess.TimeoutExpired, tarfile.TarError):
                # What it sent was cut short, or never came: it says why.
                code = None
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
                if process.stdout is not None:
                    process.stdout.close()
            if code != 0:
                said.seek(0)
                raise self._failed(program, said.read().decode(errors="replace"))

    def _password(self) -> str:
        assert self.server.admin.password is not None
        return vault.read(self.secrets, self.server.admin.password.name)

    def _failed(self, program: str, said: str) -> errors.StepFailed:
        lines = [x for x in said.strip().splitlines() if "NOTICE" not in x] or ["it did not end"]
        return errors.StepFailed(
            "backup.server", f"{program} failed: {lines[-1]}", f"server {self.server.name}",
            "Look at the server's log; the next run tries again.",
        )  # fmt: skip


def mark(conn: psycopg.Connection[Any]) -> str:
    """A message in the log, flushed. Its end is the position: no record straddles that."""
    row = conn.execute(
        "select pg_logical_emit_message(false, %s, '', true)::text", [MARK]
    ).fetchone()
    assert row is not None
    return str(row[0])


def _unpack(stream: Any, into: store.Store) -> tuple[backups.Tree, dict[str, Any]]:
    """Each file of pg_basebackup's archive as a blob, and the server's own manifest."""
    found: list[backups.File] = []
    folders: list[str] = []
    manifest: dict[str, Any] = {}
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if member.isdir():
                folders.append(name)
            elif member.isfile():
                content = archive.extractfile(member)
                assert content is not None
                if name == "backup_manifest":
                    manifest = json.loads(text := content.read())
                    found.append(into.put_bytes(text, name, pack=True))
                else:
                    found.append(into.put(content, name, pack=True))  # type: ignore[arg-type]  # an IO[bytes] reads
    while stream.read(1 << 16):
        pass
    return backups.Tree(tuple(found), tuple(sorted(folders))), manifest
