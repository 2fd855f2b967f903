"""A source under load, a lake, and a real worker process that tests may kill anywhere."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import psycopg

from tidewright.clients import duckdb as ducks
from tidewright.model import codec, flow, jobs, values
from tidewright.pipelines.compare import rawlog, tables
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import reader
from tidewright.pipelines.worker import stops
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

TABLES = {"bank.users": ("id",), "bank.accounts": ("id",), "bank.notes": ("owner", "title")}
SCHEMA = """
create schema bank;
create table bank.users (
  id bigint primary key, email text, name text, at timestamptz default now());
create table bank.accounts (id bigint primary key, balance numeric(18, 2) not null);
create table bank.notes (owner int, title text, body text, primary key (owner, title));
alter table bank.notes alter column body set storage external;
insert into bank.users select g, 'e' || g, 'n' || g from generate_series(1, 500) g;
insert into bank.accounts select g, 0 from generate_series(1, 500) g;
insert into bank.notes select g, 'note' || g, repeat('x', 3000) || g from generate_series(1, 40) g;
"""


class Rig:
    """``with Rig() as rig: rig.start(); rig.load(seconds); rig.settle(); rig.check()``."""

    SCHEMA: ClassVar[str] = SCHEMA
    TABLES: ClassVar[Mapping[str, tuple[str, ...]]] = TABLES

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.folder = Path(tempfile.mkdtemp(prefix="tidewright-rig-"))
        self.server = TempPostgres()
        self.worker: subprocess.Popen[bytes] | None = None
        self._next = 1000
        self.tables = dict(self.TABLES)
        self._ending = threading.Event()

    def __enter__(self) -> Rig:
        self.server.__enter__()
        vault.write(self.folder / "secrets", "pw", self.server.password)
        for name in ("lake", "run"):
            (self.folder / name).mkdir()
        self.server.create("catalog").close()
        self.source = self.server.create("bank")
        self.source.execute(self.SCHEMA.encode())
        (self.folder / "job.json").write_text(codec.dumps(self._job()))
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        self.source.close()
        self.server.__exit__(*exc)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _job(self) -> jobs.CaptureJob:
        def at(database: str) -> flow.Connection:
            secret = values.Secret("pw")
            return flow.Connection("127.0.0.1", self.server.port, database, "postgres", secret)

        return jobs.CaptureJob(
            name="bank",
            source=flow.PostgresSource("bank", at("bank"), "tw_bank", "tw_bank", managed=True),
            capture=flow.Capture("bank", tuple(self.tables), "raw_data"),
            lake=jobs.Lake(at("catalog"), str(self.folder / "lake")),
            secrets=str(self.folder / "secrets"),
            status=str(self.folder / "run" / "capture.json"),
            commit_every=0.15,
        )

    # -- the worker ---------------------------------------------------------------------------

    def start(self, fault: str = "") -> None:
        argv = [sys.executable, "-m", "tidewright.pipelines.worker"]
        argv += ["--job", str(self.folder / "job.json")]
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                argv, stdout=log, stderr=log, env={**os.environ, faults.VARIABLE: fault}
            )

    def kill(self) -> None:
        if self.worker is not None and self.worker.poll() is None:
            self.worker.send_signal(signal.SIGKILL)
            self.worker.wait(10)

    def dies(self, seconds: float = 60) -> bool:
        """Whether the worker killed itself at its fault point within this time, under load."""
        assert self.worker is not None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.worker.poll() is None:
            self.act()
        return self.worker.returncode == -signal.SIGKILL

    # -- the load -----------------------------------------------------------------------------

    def load(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.act()

    def act(self) -> None:
        """One transaction of a random kind."""
        pick = self.random.choice
        kind = pick(
            ["transfer"] * 6 + ["sign_up", "close", "rename", "note", "retitle", "abort", "wipe"]
        )
        with self.source.transaction():
            getattr(self, f"_{kind}")()
        time.sleep(0.002)

    def _transfer(self) -> None:
        amount = self.random.randint(1, 999) / 100
        for sign in (-1, 1):
            self.source.execute(
                "update bank.accounts set balance = balance + %s where id = (select id from"
                " bank.accounts offset %s limit 1)",
                (sign * amount, self.random.randrange(400)),
            )

    def _sign_up(self) -> None:
        self._next += 1
        self.source.execute("insert into bank.users values (%s, 'new', null)", (self._next,))
        self.source.execute("insert into bank.accounts values (%s, 0)", (self._next,))

    def _close(self) -> None:
        gone = self.random.randint(1, self._next)
        self.source.execute("delete from bank.accounts where id = %s and balance = 0", (gone,))
        self.source.execute("delete from bank.users where id = %s", (gone,))

    def _rename(self) -> None:
        """Two changes of one row, then a change of its key: all in one transaction."""
        who = self.random.randint(1, self._next)
        self._next += 1
        self.source.execute("update bank.users set email = 'a' where id = %s", (who,))
        self.source.execute("update bank.users set name = 'b' where id = %s", (who,))
        self.source.execute("update bank.users set id = %s where id = %s", (self._next, who))

    def _note(self) -> None:
        self.source.execute(
            "insert into bank.notes values (%s, 'fresh', repeat('y', 2500))"
            " on conflict (owner, title) do update set body = repeat('z', 2600) || excluded.owner",
            (self.random.randint(1, 80),),
        )

    def _retitle(self) -> None:
        """A key change that leaves the long value unsent."""
        self._next += 1
        self.source.execute(
            "update bank.notes set title = %s where owner = %s and title = 'fresh'",
            (f"t{self._next}", self.random.randint(1, 80)),
        )

    def _abort(self) -> None:
        self.source.execute("update bank.users set name = 'never'")
        raise psycopg.Rollback

    def _wipe(self) -> None:
        if self.random.random() < 0.05:
            self.source.execute("truncate bank.notes")

    def want(self, table: str, key: tuple[str, ...]) -> None:
        """Add a table to the flow, as ``up`` does after an edit."""
        self.tables[table] = key
        (self.folder / "job.json").write_text(codec.dumps(self._job()))

    def copy_again(self, table: str) -> None:
        """Ask for a new first copy, as ``up --recopy`` does."""
        with self.server.connect("catalog") as conn:
            stops.Stops(conn, "bank", 0).ask_again(table)

    def drop_slot(self) -> bool:
        """As someone else would, in a moment when nobody uses it."""
        try:
            self.source.execute("select pg_drop_replication_slot('tw_bank')")
        except psycopg.errors.ObjectInUse:
            return False
        return True

    def stopped(self) -> bool:
        return self.status().get("state") == "stopped"

    def wait_for(self, found: Callable[[], str], seconds: float = 10) -> str:
        """The first answer of ``found`` that is not empty."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = found()
            if answer:
                return answer
            time.sleep(0.02)
        raise TimeoutError(f"{self.status()}")

    def peak_mb(self) -> int:
        """The worker's largest resident memory so far."""
        assert self.worker is not None
        text = Path(f"/proc/{self.worker.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024

    # -- the answer ---------------------------------------------------------------------------

    def status(self) -> dict[str, object]:
        try:
            return dict(json.loads((self.folder / "run" / "capture.json").read_text()))
        except FileNotFoundError:
            return {}

    def settle(self, seconds: float = 90) -> None:
        """Wait until the lake holds everything that is committed in the source now."""
        row = self.source.execute("select pg_current_wal_lsn()::text").fetchone()
        target = flow.lsn_value(row[0]) if row else 0
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.worker is not None
            assert self.worker.poll() is None, (self.folder / "worker.log").read_text()[-3000:]
            if self._pinned_at() >= target:
                return
            time.sleep(0.05)
        raise TimeoutError(f"{self.status()}\n{(self.folder / 'worker.log').read_text()[-3000:]}")

    def _pinned_at(self) -> int:
        with self.server.connect("catalog") as conn:
            pinned = reader.pin(conn, "bank")
        whole = pinned is not None and set(self.tables) <= set(pinned.tables)
        return flow.lsn_value(pinned.position) if pinned and whole else 0

    def check(self, names: Sequence[str] = ()) -> None:
        """Every table equal to the source, the raw log whole, and the sum of balances constant."""
        pinned, duck = self.compare(names)
        self._check_snapshots(duck, pinned.tables["bank.accounts"].metadata)

    def compare(self, names: Sequence[str] = ()) -> tuple[reader.Pinned, object]:
        """As ``verify`` does: every table equal to the source, the raw log whole."""
        with self.server.connect("catalog") as conn:
            pinned = reader.pin(conn, "bank")
        assert pinned is not None
        duck = ducks.connect()
        duck.execute("set timezone = 'UTC'")
        for statement in reader.statements(pinned):
            duck.execute(statement)
        for name in names or self.tables:
            key = self.tables[name]
            found = tables.compare(self.source, duck, name, key)
            assert (found.missing, found.extra, found.different) == (0, 0, 0), found
            for invariant in rawlog.invariants(
                duck, f"raw_data.{name.partition('.')[2]}", name, key
            ):
                assert invariant.ok, invariant
        return pinned, duck

    def _check_snapshots(self, duck: object, metadata: str) -> None:
        scan = f"iceberg_scan('{metadata}'"
        ids = duck.execute(f"select snapshot_id from iceberg_snapshots('{metadata}')").fetchall()  # type: ignore[attr-defined]
        for (snapshot,) in ids:
            query = f"select sum(balance) from {scan}, snapshot_from_id = {snapshot}::ubigint)"
            assert duck.execute(query).fetchone()[0] == 0, snapshot  # type: ignore[attr-defined]
