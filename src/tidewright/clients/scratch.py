"""A temporary, real PostgreSQL on a free loopback port: the wheel's, or another installation.

As root it runs as ``nobody`` and its binaries are copied when that account cannot reach them.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from tidewright.clients import pgserver

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "max_replication_slots": "10",
    "max_wal_senders": "10",
    "shared_buffers": "64MB",
    "fsync": "off",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def _reachable_by_others(path: Path) -> bool:
    """Whether an account without rights of its own may enter ``path`` and all above it."""
    return all(p.stat().st_mode & 0o001 for p in (path, *path.parents))


class TempPostgres:
    """``with TempPostgres() as server: server.connect("postgres")``. Superuser ``postgres``.

    A setting of None is left to the server, so that ALTER SYSTEM can change it. ``home``: another
    installation (``bin``, ``lib``, ``share``) than the wheel's.
    """

    def __init__(
        self, settings: Mapping[str, str | None] | None = None, home: Path | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tidewright-pg-"))
        self.password = secrets.token_urlsafe(12)
        self.port = _free_port()
        chosen = {**SETTINGS, **(settings or {}), "port": str(self.port)}
        self._settings = {k: v for k, v in chosen.items() if v is not None}
        self._process: subprocess.Popen[bytes] | None = None
        self._home = home or pgserver.home()
        self._bin = self._home / "bin"
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            self._drop_root()

    def _drop_root(self) -> None:
        account = pwd.getpwnam("nobody")
        if not _reachable_by_others(self._bin):
            self._bin = self._copied(self._home)
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def _copied(self, home: Path) -> Path:
        """The binaries in our own folder, with the libraries that the wheel keeps beside them."""
        package = home.parent
        shutil.copytree(home, self.folder / package.name / home.name)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, self.folder / libraries.name)
        return self.folder / package.name / home.name / "bin"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def __enter__(self) -> TempPostgres:
        password_file = self.folder / "pw"
        password_file.write_text(self.password)
        if self._as:
            shutil.chown(password_file, "nobody")
        argv = ["initdb", "-D", str(self.data), "-U", "postgres", "-A", "scram-sha-256"]
        argv += [f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        self._run(argv)
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop(signal.SIGQUIT)  # at once: nobody needs a last checkpoint of what is thrown away
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, argv: list[str]) -> None:
        argv[0] = str(self._bin / argv[0])
        subprocess.run(argv, check=True, capture_output=True, cwd="/", **self._as)  # type: ignore[call-overload]  # the account keywords are typed one by one

    def start(self) -> None:
        """Start the server and wait until it accepts connections (30 s at most)."""
        settings = [part for k, v in self._settings.items() for part in ("-c", f"{k}={v}")]
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(
            [str(self._bin / "postgres"), "-D", str(self.data), *settings],
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            **self._as,
        )  # type: ignore[call-overload]  # as above
        log.close()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise TimeoutError((self.folder / "log").read_text()[-2000:])

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT is its fast stop, SIGQUIT its immediate one, SIGKILL a crash."""
        if self._process is None:
            return
        if how == signal.SIGKILL:
            os.killpg(self._process.pid, how)
        else:
            self._process.send_signal(how)
        self._process.wait(30)
        self._process = None

    def restart(self) -> None:
        """Stop it and start it again, as a person does after ALTER SYSTEM."""
        self.stop()
        self.start()

    def dsn(self, database: str = "postgres") -> str:
        """A libpq connection string, with the password: for tests only."""
        return (
            f"host=127.0.0.1 port={self.port} dbname={database} user=postgres "
            f"password={self.password}"
        )

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A new autocommit connection as superuser."""
        return psycopg.connect(self.dsn(database), autocommit=True)

    def create(self, database: str) -> psycopg.Connection:
        """Create a database and connect to it."""
        with self.connect() as conn:
            conn.execute(f'create database "{database}"'.encode())
        return self.connect(database)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
