"""Runs of assets on a lake of its own, without a supervisor: started, killed, and looked at.

The assets number their rows without a gap, so a row that is missing or double is seen at once. A
batch with a negative amount is bad; the checks refuse it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tidewright.clients import duckdb as ducks
from tidewright.model import codec, flow, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import branches, catalog, sweep
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

ASSETS = """
import json
from tidewright.assets import asset

@asset(table="raw.lines", cursor="batch")
def lines(landing, after):
    rows = []
    for file in sorted(landing.glob("*.json")):
        if after is None or int(file.stem) > after:
            rows += json.loads(file.read_text())
    return rows

@asset(table="raw.totals", deps=["raw.lines"], mode="replace")
def totals(lines):
    return lines.group_by("batch").aggregate([("amount", "sum"), ("id", "count")]).sort_by("batch")
"""
CHECKS = """
import pandera.pandas as pa

class Lines(pa.DataFrameModel):
    id: int = pa.Field(unique=True)
    amount: int = pa.Field(ge=0)

class Totals(pa.DataFrameModel):
    id_count: int = pa.Field(eq=10)

CHECKS = {"raw.lines": Lines, "raw.totals": Totals}
"""
ROWS = 10


class BranchRig:
    """``with BranchRig(seed) as rig``: files arrive by ``send``, runners by ``start``."""

    def __init__(self, seed: int, keep: float = 3600.0) -> None:
        self.random = random.Random(seed)
        self.sent = 0
        self._holder = tempfile.TemporaryDirectory(prefix="tidewright-branches-")
        self.folder = Path(self._holder.name)
        self.landing = self.folder / "landing"
        self._server = TempPostgres()
        self._keep = keep
        self._runners: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> BranchRig:
        self._server.__enter__()
        self.lake = lakes.TempLake(self._server, self.folder)
        for folder, name, text in (
            ("assets", "lines.py", ASSETS), (".", "checks.py", CHECKS), ("landing", ".keep", ""),
        ):  # fmt: skip
            (self.folder / folder).mkdir(exist_ok=True)
            (self.folder / folder / name).write_text(text)
        self.write_job()
        return self

    def __exit__(self, *exc: object) -> None:
        for runner in self._runners:
            runner.kill()
            runner.wait()
        self.lake.__exit__(*exc)
        self._server.__exit__(*exc)
        self._holder.cleanup()

    def write_job(self, grace: float = 300.0) -> None:
        self.job = jobs.IngestJob(
            "ingest", flow.Ingest("assets", 1.0, self._keep), (flow.Audit("checks.py"),),
            self.lake.job, str(self.folder), str(self.landing), str(self.folder / "secrets"),
            str(self.folder / "status.json"), grace,
        )  # fmt: skip
        (self.folder / "job.json").write_text(codec.dumps(self.job))

    # -- what arrives ---------------------------------------------------------------------------

    def send(self, *, bad: bool = False) -> int:
        """The next batch, or one that no check lets through."""
        self.sent += 1
        first = (self.sent - 1) * ROWS
        rows = [
            {"id": n, "batch": self.sent, "amount": self.random.randint(0, 99)}
            for n in range(first, first + ROWS)
        ]
        if bad:
            rows[3]["amount"] = -1
        self._place(rows)
        return self.sent

    def correct(self) -> None:
        """The last batch again, as it should have been."""
        file = self.landing / f"{self.sent:06}.json"
        rows = json.loads(file.read_text())
        self._place([{**row, "amount": abs(row["amount"])} for row in rows])

    def _place(self, rows: list[dict[str, int]]) -> None:
        new = self.landing / ".new"
        new.write_text(json.dumps(rows))
        new.replace(self.landing / f"{self.sent:06}.json")

    # -- runners --------------------------------------------------------------------------------

    def start(self, fault: str = "") -> subprocess.Popen[bytes]:
        """A runner as the supervisor starts it; it dies at the fault."""
        told = {faults.VARIABLE: fault} if fault else {}
        with (self.folder / "log").open("ab") as log:
            runner = subprocess.Popen(
                [sys.executable, "-P", "-m", "tidewright.pipelines.ingest", "--job",
                 str(self.folder / "job.json")],
                env=os.environ | told, stdout=log, stderr=log,
            )  # fmt: skip
        self._runners.append(runner)
        return runner

    def stop(self, runner: subprocess.Popen[bytes]) -> None:
        runner.terminate()
        runner.wait(20)

    def wait(self, what: str, found: Callable[[], Any], seconds: float = 500) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := found()):
            log = (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, f"{what} did not come: {log}"
            time.sleep(0.1)
        return answer

    def sweep_killed(self) -> None:
        """A sweep without grace in a process of its own, killed after the first file."""
        code = (
            "import os, psycopg; from pathlib import Path;"
            "from tidewright.pipelines.core import faults;"
            "from tidewright.pipelines.ingest import points;"
            "from tidewright.pipelines.lake import sweep;"
            f"sweep.sweep(psycopg.connect({self._server.dsn(self.lake.database)!r},"
            f" autocommit=True), Path({str(self.job.lake.warehouse)!r}), 'ingest',"
            " faults.from_environment(os.environ, points.POINTS), grace=0.0)"
        )
        told = {faults.VARIABLE: "sweep_unlinked"}
        done = subprocess.run([sys.executable, "-c", code], env=os.environ | told, check=False)
        assert done.returncode == -9, "nothing was removed"

    # -- what is seen ---------------------------------------------------------------------------

    def branches(self, *, gone: bool = False) -> tuple[branches.Branch, ...]:
        with self.lake.connect() as conn:
            return branches.every(conn, "ingest", gone=gone)

    def merged(self) -> int:
        """The last batch that main has."""
        with self.lake.connect() as conn:
            last = catalog.last_commit(conn, "ingest") if _has_layout(conn) else None
        return (
            max(self._ids(last.tables["raw.lines"].metadata), default=-1) // ROWS + 1 if last else 0
        )

    def has_merged(self, batch: int) -> bool:
        return self.merged() >= batch

    def check(self) -> None:
        """Every commit that main ever showed: whole, audited, good, and without a gap."""
        duck = ducks.connect()
        with self.lake.connect() as conn:
            rows = conn.execute("select id, tables from tidewright_commits order by id").fetchall()
            present = catalog.pointers(conn)
        runs = {
            t.metadata: (b, t)
            for b in self.branches(gone=True)
            if b.merged is not None
            for t in b.touched.values()
        }
        last: dict[str, Any] = {}
        for number, tables in rows:
            last = {n: t["metadata"] for n, t in tables.items()}
            ids = self._ids(last["raw.lines"])
            assert ids == list(range(len(ids))), f"commit {number} has a gap or a row twice"
            bad = duck.execute(
                f"select count(*) from iceberg_scan('{last['raw.lines']}') where amount < 0"
            ).fetchone()
            assert bad == (0,), f"commit {number} shows a row that no check lets through"
            totals = duck.execute(
                f"select sum(id_count) from iceberg_scan('{last['raw.totals']}')"
            ).fetchone()
            assert totals == (len(ids),), f"commit {number} is torn"
            for name, metadata in last.items():
                branch, touched = runs[metadata]
                assert all(c.ok for c in branch.checks) and branch.checks, branch
                assert touched.rows == (len(ids) if name == "raw.lines" else len(ids) // ROWS)
        assert present == last, "the catalog shows something else than the last commit"

    def clean(self) -> None:
        """After a sweep without grace exactly the files are there that main and branches need."""
        with self.lake.connect() as conn:
            warehouse = Path(str(self.job.lake.warehouse))
            time.sleep(sweep.CLOCK_SLACK)
            sweep.sweep(conn, warehouse, "ingest", faults.none, grace=0.0)
            roots = set(catalog.pointers(conn).values())
            for branch in branches.every(conn, "ingest"):
                roots |= {*branch.pointers.values(), *(t.metadata for t in branch.touched.values())}
        needed = sweep.reachable(roots)
        found = self.lake.files()
        assert found == needed & found, sorted(found - needed)[:5]
        live = set(catalog_files(roots))
        assert live <= found, sorted(live - found)[:5]

    def _ids(self, metadata: str) -> list[int]:
        duck = ducks.connect()
        rows = duck.execute(f"select id from iceberg_scan('{metadata}') order by id").fetchall()
        return [row[0] for row in rows]


def catalog_files(locations: set[str]) -> set[str]:
    """The files of the current snapshot of each: what a reader opens."""
    duck = ducks.connect()
    found = set()
    for location in locations:
        rows = duck.execute(f"select file_path from iceberg_metadata('{location}')").fetchall()
        found |= {row[0].removeprefix("file://") for row in rows}
    return found


def _has_layout(conn: Any) -> bool:
    row = conn.execute("select to_regclass('tidewright_commits')").fetchone()
    return row is not None and row[0] is not None
