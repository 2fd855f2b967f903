"""A worker inside the test's own process: the real loop, a real source and a real catalog."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from tidewright.model import flow, jobs, values
from tidewright.pipelines.core import acts, faults
from tidewright.pipelines.lake import reader
from tidewright.pipelines.worker import engine, loop, orders, report
from tidewright.testing import lakes
from tidewright.vault import files as vault

SECONDS = 30.0


class Running:
    """``start`` and ``end`` it as often as needed, like restarts. Follows ``public.users``."""

    def __init__(
        self, source: psycopg.Connection, lake: lakes.TempLake, fault: faults.Fault = faults.none
    ) -> None:
        self.lake = lake
        self.source = source
        self.fault = fault
        name, secrets = source.info.dbname, lake.folder / "secrets"
        vault.write(secrets, "pw", lake.server.password)
        password = values.Secret("pw")
        at = flow.Connection("127.0.0.1", lake.server.port, name, "postgres", password)
        self.job = jobs.CaptureJob(
            name="bank",
            source=flow.PostgresSource("bank", at, f"tw_{name}", f"tw_{name}", managed=True),
            capture=flow.Capture("bank", ("public.users",), "raw_data"),
            lake=lake.job,
            secrets=str(secrets),
            status=str(lake.folder / "capture.json"),
            commit_every=0.05,
        )
        self.stop: acts.Stop | None = None
        self.orders: orders.Orders | None = None
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        hands = engine.Engine(self.job, self.fault)
        try:
            told = report.Report(Path(str(self.job.status)))
            self.stop = loop.Loop(hands, told, self._ending, self.orders).run()
        finally:
            hands.close()

    def end(self) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(SECONDS)

    def stops(self) -> acts.Stop | None:
        """What it stopped of by itself."""
        assert self._thread is not None
        self._thread.join(SECONDS)
        return self.stop

    def close(self) -> None:
        """Leave nothing at the source, whose server other tests use too."""
        self.end()
        slot = "select pg_drop_replication_slot(slot_name) from pg_replication_slots"
        self.source.execute(f"{slot} where slot_name = %s", (self.job.source.slot,))

    def pinned(self) -> reader.Pinned | None:
        with self.lake.connect() as conn:
            return reader.pin(conn, "bank")

    def position(self) -> int:
        found = self.pinned()
        return flow.lsn_value(found.position) if found else 0

    def settle(self) -> None:
        """Wait until the lake holds everything that is committed in the source now."""
        target = self.now()
        self.wait(lambda: self.position() >= target)

    def now(self) -> int:
        row = self.source.execute("select pg_current_wal_lsn()::text").fetchone()
        assert row is not None
        return flow.lsn_value(row[0])

    def wait(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not done():
            assert time.monotonic() < deadline, Path(str(self.job.status)).read_text()
            time.sleep(0.01)
