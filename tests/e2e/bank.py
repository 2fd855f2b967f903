"""The bank as a user runs it: folder, command line, status and ``verify``; and ways to harm it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tidewright.clients import duckdb as ducks
from tidewright.clients import postgres
from tidewright.model import codec, flow, jobs, values
from tidewright.pipelines.lake import reader
from tidewright.targets.local import layout, ports

TOOL = (sys.executable, "-m", "tidewright")
NEVER_SHOWN = ("Traceback (most recent call last)", "cli.defect")


class Bank:
    """``with Bank() as bank: bank.up(); ...; bank.exact()``. Root or not; gone at the end."""

    def __init__(self, example: str | None = "bank-cdc", environment: str = "laptop") -> None:
        self.environment = environment
        self._holder = tempfile.TemporaryDirectory(prefix="tidewright-bank-")
        self.folder = Path(self._holder.name)
        self.folder.chmod(0o755)
        self.example = example
        self._totals: dict[int, object] = {}

    def __enter__(self) -> Bank:
        if self.example:
            assert self.run("init", "--example", self.example, ".").returncode == 0
        return self

    def __exit__(self, *exc: object) -> None:
        # A frozen process would not hear that it should end.
        if self.place is not None:
            self.send(signal.SIGCONT)
        # A source of the test's own may be gone before us.
        self.run("destroy", "--yes", "--keep-source")
        if self.place is not None:
            with contextlib.suppress(OSError):  # where a disk was mounted, empty folders stay
                self.root.rmdir()
            with contextlib.suppress(OSError):
                self.root.parent.rmdir()
        self._holder.cleanup()

    # -- the command line -----------------------------------------------------------------------

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*TOOL, *words], cwd=self.folder, env=os.environ | {"NO_COLOR": "1"}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *words: str, seconds: float = 150) -> subprocess.CompletedProcess[str]:
        """One command; whatever it says, it never shows a traceback."""
        process = self.start(*words)
        out, err = process.communicate(timeout=seconds)
        for forbidden in NEVER_SHOWN:
            assert forbidden not in out + err, out + err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def up(self, *words: str) -> str:
        """``up`` until healthy; what it said."""
        done = self.run("up", *words)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def status(self) -> dict[str, Any]:
        done = self.run("status", "-o", "json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def exact(self) -> None:
        """Every row of the source is in the lake, and nothing else."""
        done = self.run("verify", "-o", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["ok"], done.stdout

    # -- what is seen ---------------------------------------------------------------------------

    @property
    def place(self) -> layout.Layout | None:
        return layout.locate(self.folder, self.environment)

    @property
    def root(self) -> Path:
        assert self.place is not None
        return self.place.root

    def service(self, name: str) -> dict[str, Any]:
        return next(dict(s) for s in self.status()["services"] if s["name"] == name)

    def message(self, name: str) -> str:
        return str(self.service(name)["message"])

    def wait(
        self, what: str, found: Callable[[dict[str, Any]], object], seconds: float = 30
    ) -> Any:
        """The first status of which ``found`` is true; ``what`` names it when it never comes."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.status()
            if found(status):
                return status
            assert time.monotonic() < deadline, f"{what}: {json.dumps(status['services'])}"
            time.sleep(0.2)

    def wait_well(self, seconds: float = 60) -> None:
        self.wait("all is well again", lambda status: status["state"] == "running", seconds)

    def wait_restarted(self, name: str, before: dict[str, Any], seconds: float = 60) -> None:
        """Until another process does what the killed one did, and says that it is well."""

        def again(status: dict[str, Any]) -> bool:
            now = next(s for s in status["services"] if s["name"] == name)
            is_new = now["pid"] != before["pid"] and now["restarts"] > before["restarts"]
            return is_new and bool(now["healthy"])

        self.wait(f"{name} is there again", again, seconds)

    def wait_says(self, name: str, words: str, seconds: float = 30) -> dict[str, Any]:
        """Until the state is degraded and this service's message has these words."""

        def said(status: dict[str, Any]) -> bool:
            told = {s["name"]: s["message"] for s in status["services"]}
            return status["state"] == "degraded" and words in told[name]

        return dict(self.wait(f"{name} says {words!r}", said, seconds))

    # -- harm -----------------------------------------------------------------------------------

    def processes(self, service: str = "") -> list[psutil.Process]:
        """A service's process and what it started; without a name, everything of the platform."""
        file = self.root / "run" / "supervisor.json"
        if not file.exists():
            return []
        status = json.loads(file.read_text())
        wanted = [s["pid"] for s in status["services"] if s["pid"] and service in ("", s["name"])]
        wanted += [] if service else [status["pid"]]
        found: dict[int, psutil.Process] = {}
        for pid in wanted:
            try:
                process = psutil.Process(pid)
                found |= {p.pid: p for p in (process, *process.children(recursive=True))}
            except psutil.NoSuchProcess:
                continue
        return list(found.values())

    def send(self, number: int, service: str = "", *, whole: bool = True) -> None:
        """A signal to a service's process and its children; without a name, to everything."""
        targets = self.processes(service)
        for process in targets if whole else targets[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill(self, service: str) -> None:
        """kill -9 of the service's own process."""
        self.send(signal.SIGKILL, service, whole=False)

    # -- other readers ---------------------------------------------------------------------------

    def source(self) -> psycopg.Connection:
        """The source as its administrator."""
        job = self._job()
        admin = flow.Connection(
            job.source.connection.host, job.source.connection.port, "bank", "postgres",
            values.Secret("source-bank-admin"),
        )  # fmt: skip
        return postgres.connect(admin, str(job.secrets))

    def catalog(self) -> psycopg.Connection:
        """The lake's catalog, as capture sees it."""
        job = self._job()
        return postgres.connect(job.lake.catalog, str(job.secrets))

    def totals(self) -> set[object]:
        """The sums of balances at all snapshots that were ever retained, for any reader."""
        with self.catalog() as conn:
            pinned = reader.pin(conn, "bank")
        assert pinned is not None
        metadata = pinned.tables["bank.accounts"].metadata
        duck = ducks.connect()
        listed = duck.execute(f"select snapshot_id from iceberg_snapshots('{metadata}')").fetchall()
        for (snapshot,) in listed:
            if snapshot in self._totals:
                continue  # a snapshot never changes
            scan = f"iceberg_scan('{metadata}', snapshot_from_id = {snapshot}::ubigint)"
            row = duck.execute(f"select sum(balance) from {scan}").fetchone()
            self._totals[snapshot] = row[0] if row else None
        return set(self._totals.values())

    def _job(self) -> jobs.CaptureJob:
        return codec.loads(
            jobs.CaptureJob, (self.root / "config" / "capture" / "job.json").read_text()
        )

    def marts(self, query: str) -> list[tuple[Any, ...]]:
        """What a user of the marts reads."""
        job = codec.loads(
            jobs.RefreshJob, (self.root / "config" / "refresh" / "job.json").read_text()
        )
        with postgres.connect(job.marts, str(job.secrets)) as conn:
            return conn.execute(query.encode()).fetchall()

    def supervisor(self) -> int:
        return int(json.loads((self.root / "run" / "supervisor.json").read_text())["pid"])

    def ports(self) -> dict[str, int]:
        return ports.read(self.root)

    @staticmethod
    @contextlib.contextmanager
    def listening(port: int) -> Iterator[None]:
        """Another program on that port."""
        with socket.create_server(("127.0.0.1", port)):
            yield

    def wait_landed(self, seconds: float = 30) -> None:
        """Until one more commit is in the catalog: what a crash broke off has been done again."""
        query = "select coalesce(max(id), 0) from tidewright_commits where flow = 'bank'"
        with self.catalog() as conn:
            before = conn.execute(query).fetchone()
            deadline = time.monotonic() + seconds
            while conn.execute(query).fetchone() == before:
                assert time.monotonic() < deadline, "nothing is committed"
                time.sleep(0.05)

    @staticmethod
    def wait_for_commit(conn: psycopg.Connection, seconds: float = 20) -> int:
        """The session that waits for a lock of this one, as soon as there is one."""
        query = "select pid from pg_locks where pg_backend_pid() = any(pg_blocking_pids(pid))"
        deadline = time.monotonic() + seconds
        while (row := conn.execute(query).fetchone()) is None:
            assert time.monotonic() < deadline, "no commit was begun"
            time.sleep(0.02)
        return int(row[0])

    @property
    def slot(self) -> str:
        """The replication slot of capture."""
        return self._job().source.slot

    def drop_slot(self, source: psycopg.Connection) -> None:
        """As someone else would, in a moment when nobody uses it."""
        deadline = time.monotonic() + 10
        while True:
            try:
                source.execute("select pg_drop_replication_slot(%s)", (self.slot,))
            except psycopg.errors.ObjectInUse:
                assert time.monotonic() < deadline, "the slot is never free"
            else:
                return

    def secret(self, name: str, value: str) -> None:
        """Store it as a user does, by a pipe."""
        done = subprocess.run(
            [*TOOL, "connect", "--set-secret", name], cwd=self.folder, input=value,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def leave(self) -> None:
        """End everything now, so that the disk below can go."""
        assert self.run("destroy", "--yes").returncode == 0
