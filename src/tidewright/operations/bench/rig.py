"""A scratch server with a source, and as many lakes and slots as a benchmark wants."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tidewright import errors
from tidewright.clients import pgserver, scratch
from tidewright.model import flow, jobs, values
from tidewright.operations import lakeside
from tidewright.pipelines.core import faults
from tidewright.pipelines.worker import engine, loop, report
from tidewright.vault import files as vault

TABLES = ("bank.users", "bank.accounts")
SETTINGS = {
    "fsync": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "max_replication_slots": "40",
    "max_slot_wal_keep_size": "-1",
}
SCHEMA = """
create schema bank;
create table bank.users (id bigint primary key, email text, name text, created_at timestamptz,
  balance numeric(18, 2));
create table bank.accounts (like bank.users including all);
"""
FILL = """
insert into bank.{table}
select g, 'user' || g || '@example.com', 'name ' || g, clock_timestamp(), g * 0.01
from generate_series({first}, {last}) g
"""
ROWS_PER_TRANSACTION = 1000
Watch = Callable[[engine.Engine], None]


def _idle(hands: engine.Engine) -> None:
    """Watch nothing."""


@contextmanager
def opened() -> Iterator[Rig]:
    """A rig in a folder of its own; both are gone afterwards."""
    with (
        scratch.TempPostgres(SETTINGS) as server,
        tempfile.TemporaryDirectory(prefix="tidewright-bench-") as folder,
    ):
        yield Rig(server, Path(folder))


class Rig:
    """A server with one slot and one empty lake per pair, all at the same position."""

    def __init__(self, server: scratch.TempPostgres, folder: Path) -> None:
        self._server, self._folder = server, folder
        vault.write(folder / "secrets", "pw", server.password)
        (folder / "run").mkdir()
        self.source = server.create("bank")
        self.source.execute(SCHEMA)

    def connect(self) -> psycopg.Connection:
        """One more connection to the source."""
        return self._server.connect("bank")

    def prepare(self, pairs: int) -> None:
        """Let a worker of each pair make its slot and copy the empty tables; then make ours."""
        for number in range(pairs):
            self._server.create(f"catalog{number}").close()
            (self._folder / f"lake{number}").mkdir()
            self.work(number, lambda position: True)
        self.source.execute("select pg_create_logical_replication_slot('plain', 'pgoutput')")

    def write(self, changes: int) -> int:
        """The backlog; where it ends."""
        half = ROWS_PER_TRANSACTION // 2
        for first in range(1, changes // 2 + 1, half):
            with self.source.transaction():
                for table in ("users", "accounts"):
                    fill = FILL.format(table=table, first=first, last=first + half - 1)
                    self.source.execute(fill.encode())
        row = self.source.execute("select pg_current_wal_lsn()::text").fetchone()
        return flow.lsn_value(row[0]) if row else 0

    def receive(self, target: int) -> float:
        """Seconds for pg_recvlogical to receive everything up to ``target``."""
        self.source.execute("select pg_copy_logical_replication_slot('plain', 'turn')")
        argv = [str(pgserver.program("pg_recvlogical")), "--no-loop", "--start"]
        argv += ["-f", os.devnull, "-h", "127.0.0.1", "-p", str(self._server.port)]
        argv += ["-U", "postgres", "-d", "bank"]
        argv += ["--slot", "turn", "--endpos", flow.lsn_text(target)]
        argv += ["-o", "proto_version=1", "-o", "publication_names=tw_bench"]
        with pgserver.passwords(self._folder / "passwords", self._server.password) as file:
            began = time.monotonic()
            subprocess.run(
                argv, check=True, capture_output=True, env={**os.environ, "PGPASSFILE": str(file)}
            )
            seconds = time.monotonic() - began
        self.source.execute("select pg_drop_replication_slot('turn')")
        return seconds

    def drain(self, number: int, target: int) -> float:
        """Seconds for the worker until both tables are committed at ``target``."""
        return self.work(number, lambda position: position >= target)

    def check(self, number: int, changes: int) -> None:
        """A reader of its own counts what worker ``number`` left; a figure of less is none."""
        with self._server.connect(f"catalog{number}") as conn:
            pinned = lakeside.pinned(conn, "bank")
        duck = lakeside.views(pinned)
        for table in (*TABLES, "raw_data.users", "raw_data.accounts"):
            row = duck.execute(f"select count(*) from {table}").fetchone()  # noqa: S608  ours
            if row is None or row[0] != changes // 2:
                raise errors.PromiseBroken(
                    "lake.not_exact", f"{table} has {row} rows, not {changes // 2}", "bench",
                    "Report this: the drain did not bring every row.",
                )  # fmt: skip

    def work(
        self, number: int, enough: Callable[[int], bool], every: float = 0.4, watch: Watch = _idle
    ) -> float:
        """Run worker ``number`` until its position is ``enough``; seconds. ``watch`` is called
        with its hands again and again.
        """
        ending = threading.Event()
        hands = engine.Engine(self._job(number, every), faults.none)
        turning = loop.Loop(hands, report.Report(self._folder / "run" / "capture.json"), ending)
        began = time.monotonic()
        thread = threading.Thread(target=turning.run)
        thread.start()
        while not self._there(turning, enough):
            watch(hands)
            time.sleep(0.002)
        seconds = time.monotonic() - began
        ending.set()
        thread.join()
        hands.close()
        return seconds

    @staticmethod
    def _there(turning: loop.Loop, enough: Callable[[int], bool]) -> bool:
        known = turning.known
        followed = known.following == frozenset(TABLES)
        return followed and known.position is not None and enough(known.position)

    def _job(self, number: int, every: float) -> jobs.CaptureJob:
        def at(database: str) -> flow.Connection:
            secret = values.Secret("pw")
            return flow.Connection("127.0.0.1", self._server.port, database, "postgres", secret)

        source = flow.PostgresSource("bank", at("bank"), "tw_bench", f"tw_{number}", managed=True)
        return jobs.CaptureJob(
            name="bank",
            source=source,
            capture=flow.Capture("bank", TABLES, "raw_data"),
            lake=jobs.Lake(at(f"catalog{number}"), str(self._folder / f"lake{number}")),
            secrets=str(self._folder / "secrets"),
            status=str(self._folder / "run" / "capture.json"),
            commit_every=every,
        )
