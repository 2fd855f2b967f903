"""PostgreSQL's program form, run for real from nothing: prepare, start, probe."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tidewright.components.postgres import program, settings
from tidewright.model import components, values
from tidewright.model import platform as nouns

PASSWORD = "a-password-of-the-test"


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that the unprivileged account may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="tidewright-pg-"))
    (folder / "data" / "db").mkdir(parents=True)
    for path in (folder, folder / "data", folder / "data" / "db"):
        _give(path)
    yield folder
    shutil.rmtree(folder)


def _account() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, "nobody")


def _text(value: values.Value, root: Path, port: int) -> str:
    match value:
        case str():
            return value
        case values.Ref():
            return str(port) if value.prop == "port" else "127.0.0.1"
        case values.Folder():
            return str(root / value.root / value.path)
        case values.Join():
            return "".join(_text(p, root, port) for p in value.parts)


def _prepare(step: nouns.Prepare, root: Path) -> None:
    """As a target does it: the secret over a pipe that belongs to the account."""
    argv = [_text(v, root, 0) for v in step.argv]
    read, write = os.pipe()
    if account := _account():
        os.fchown(read, account["user"], account["group"])
    if step.stdin_secret:
        os.write(write, f"{PASSWORD}\n".encode())
    os.close(write)
    try:
        subprocess.run(argv, stdin=read, check=True, capture_output=True, cwd="/", **_account())
    finally:
        os.close(read)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("logical", [True, False])
def test_runs_from_nothing(root: Path, logical: bool) -> None:
    port = _free_port()
    service = program.server(components.Server("db", "a test", values.Secret("admin"), logical))
    for step in service.process.prepare:
        _prepare(step, root)
        assert PASSWORD not in str(step.argv)
    assert Path(_text(service.process.prepare[0].creates, root, port)).exists()
    for name, text in service.process.files.items():
        path = root / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text(text, root, port))
    argv = [_text(v, root, port) for v in service.process.argv]
    log = (root / "log").open("wb")
    server = subprocess.Popen(argv, stdout=log, stderr=log, cwd="/", **_account())
    try:
        _await(service, root, port)
        _look(port, logical)
    finally:
        server.send_signal(getattr(signal, f"SIG{service.process.stop_signal}"))
        assert server.wait(20) == 0
        log.close()


def _await(service: nouns.Service, root: Path, port: int) -> None:
    assert isinstance(service.probe, nouns.Command)
    argv = [_text(v, root, port) for v in service.probe.argv]
    for _ in range(300):
        if subprocess.run(argv, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise AssertionError((root / "log").read_text())


def _look(port: int, logical: bool) -> None:
    dsn = f"host=127.0.0.1 port={port} dbname=postgres user=postgres"
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"{dsn} password=wrong")
    with psycopg.connect(f"{dsn} password={PASSWORD}") as conn:
        wanted = {k: v for k, v in settings.settings(logical, {}).items() if v.isalpha()}
        for name, value in wanted.items():
            assert conn.execute(f"show {name}").fetchone() == (value,), name
        assert conn.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
        assert conn.execute("show unix_socket_directories").fetchone() == ("",)
        assert conn.execute("show data_checksums").fetchone() == ("on",)


def test_a_slot_cannot_fill_the_disk() -> None:
    table = settings.settings(True, {})
    assert table["max_slot_wal_keep_size"] == f"{settings.WAL_CAP_MB}MB"
    assert table["fsync"] == table["synchronous_commit"] == "on"


def test_values_are_quoted_for_the_file() -> None:
    assert settings.quoted("it's") == "'it''s'"
