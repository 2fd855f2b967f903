"""A load in the test's own process: the real loop, connector process, catalog and lake.

The connector reads a world that the test writes: ``world.json`` beside it, rows by stream.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tidewright.kit import files
from tidewright.model import flow, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import reader
from tidewright.pipelines.load import loop
from tidewright.pipelines.mover import report
from tidewright.testing import lakes

LEASES = """
select count(*) from pg_locks where locktype = 'advisory' and database =
(select oid from pg_database where datname = current_database())
"""

CONNECTOR = """
import json
import os
import time

WORLD = os.path.join(os.path.dirname(__file__), "world.json")
PROPERTIES = {"id": {"type": "integer"}, "v": {"type": "integer"}, "amount": {"type": "integer"}}


class Connector:
    def __init__(self, config):
        self.config = config
        with open(WORLD) as file:
            self.world = json.load(file)

    def identity(self):
        return self.world.get("identity", "world-1")

    def streams(self):
        properties = {**PROPERTIES, **self.world.get("properties", {})}
        schema = {"properties": properties, "required": ["id", "v"]}
        orders = {"name": "orders", "mode": "incremental", "cursor": "v"}
        things = {"name": "things", "mode": "full"}
        return [{**s, "schema": schema, "key": ["id"]} for s in (orders, things)]

    def unchanged(self, name, state):
        return self.world.get("unchanged") == state["v"]

    def read(self, name, state):
        rows = self.world[name]
        assert name == "orders" or state is None, "a full stream begins anew"
        if name == "orders":
            rows = [r for r in rows if r["v"] > (state or {"v": 0})["v"]]
        size, trouble = self.world.get("page", 3), self.world.get("trouble", {}).get(name, {})
        for number, at in enumerate(range(0, max(len(rows), 1), size)):
            page = rows[at : at + size]
            last = page[-1]["v"] if page else (state or {"v": 0})["v"]
            if number == trouble.get("page"):
                self.be(trouble["what"])
                page = trouble.get("instead", page)
            yield page, {"v": last}

    def be(self, what):
        if what == "raise":
            raise ConnectionError("the interface answered 502")
        if what == "exit":
            os._exit(3)
        if what == "hang":
            time.sleep(60)

    def totals(self, name, state):
        rows = [r for r in self.world[name] if r["v"] <= state["v"]]
        newest = {r["id"]: r["amount"] for r in rows}
        return {"rows": len(newest), "sums": {"amount": sum(newest.values())}}
"""


class Crash(BaseException):
    """The process ends here."""


class Restless(loop.Loop):
    """Ends in the place of a rest."""

    def _rest(self, began: float) -> None:
        self.ending.set()


class Load:
    """``sync`` runs one sync as a worker that lives on; ``crash`` one that ends at a point."""

    def __init__(self, lake: lakes.TempLake, folder: Path) -> None:
        self.lake, self.folder = lake, folder
        (folder / "connector.py").write_text(CONNECTOR)
        connector = flow.Connector("python", "connector.py")
        self.job = jobs.LoadJob(
            name="bronze",
            load=flow.Load(connector, ("orders", "things"), 5.0, "bronze", 20.0),
            lake=lake.job,
            project=str(folder),
            scratch=str(folder / "scratch"),
            secrets=str(lake.folder / "secrets"),
            status=str(folder / "mover-load.json"),
        )
        self.orders: list[dict[str, Any]] = []
        self.things: list[dict[str, Any]] = []
        self.set()
        self._loop: loop.Loop | None = None

    def set(self, **world: Any) -> None:
        """Write the world: its rows, and what else the connector is told."""
        told = {"orders": self.orders, "things": self.things, **world}
        files.replace(self.folder / "world.json", json.dumps(told), sync=False)

    def change(self, count: int) -> None:
        """So many new versions of orders; every third one is of an order that is there."""
        for _ in range(count):
            v = len(self.orders) + 1
            number = v // 3 if v % 3 == 0 else v
            self.orders.append({"id": number, "v": v, "amount": v * 7})
        self.set()

    def told(self, **changes: Any) -> None:
        """Another load step from the next sync on."""
        self.job = replace(self.job, load=replace(self.job.load, **changes))

    def sync(self, fault: faults.Fault = faults.none) -> loop.Loop:
        """One sync of a worker that goes on living, or the first of a new one."""
        running = self._loop
        if running is None or running.job != self.job or fault is not faults.none:
            self.end()
            voice = report.Report(self.folder / "mover-load.json", "load")
            running = self._loop = loop.Loop(self.job, voice, threading.Event(), fault)
        running.turn()
        return running

    def restarted(self) -> loop.Loop:
        """A new worker that has not begun, and ends when it would wait."""
        self.end()
        voice = report.Report(self.folder / "mover-load.json", "load")
        self._loop = Restless(self.job, voice, threading.Event())
        return self._loop

    def crash(self, point: str, passing: int = 1) -> bool:
        """A new worker that ends when it passes ``point`` so often; whether it came to that."""
        left = passing

        def fault(at: str) -> None:
            nonlocal left
            left -= at == point
            if at == point and left == 0:
                raise Crash

        try:
            self.sync(fault)
        except Crash:
            return True
        finally:
            self.end()
        return False

    def end(self) -> None:
        """As the process would: its lease goes with its session, a moment after that is closed."""
        if self._loop is not None:
            self._loop.lake.close()
            deadline = time.monotonic() + 30
            with self.lake.connect() as conn:
                while conn.execute(LEASES).fetchone() != (0,):
                    assert time.monotonic() < deadline, "a lease outlived its session"
                    time.sleep(0.01)
        self._loop = None

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What a reader finds, in the order of ``_seq``; of the newest commit."""
        with self.lake.connect() as conn:
            found = reader.pin(conn, "bronze")
        if found is None or f"bronze.{table}" not in found.tables:
            return []
        if found.tables[f"bronze.{table}"].snapshot is None:
            return []
        held = self.lake.catalog().load_table(f"bronze.{table}").scan().to_arrow().to_pylist()
        return sorted(held, key=lambda row: row["_seq"])

    def values(self, table: str) -> list[tuple[int, int]]:
        return [(row["id"], row["v"]) for row in self.rows(table)]
