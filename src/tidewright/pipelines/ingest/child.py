"""One run in a process of its own: assets, files, branch, audit. Nothing it does reaches main.

It belongs to the runner: its outcome is the last line on stdout, and when stdin ends, the runner
is gone and so are we. A crash anywhere leaves a branch that nothing refers to.
"""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
import pyarrow.compute as pc

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import codec, jobs, observed
from tidewright.pipelines.core import faults
from tidewright.pipelines.ingest import audit, functions, outcome, points, rows
from tidewright.pipelines.lake import branches, sweep, workspace


class Run:
    """The run of one branch."""

    def __init__(self, job: jobs.IngestJob, conn: psycopg.Connection, fault: faults.Fault) -> None:
        self.job = job
        self.conn = conn
        self.fault = fault
        self.warehouse = Path(str(job.lake.warehouse))
        self.project = Path(str(job.project))

    def run(self, name: str) -> outcome.Outcome:
        """Write and audit the branch of that name; what goes wrong is its outcome too."""
        branch = branches.find(self.conn, name)
        if branch is None or branch.state != "running":
            return outcome.Outcome("lost", f"{name} is not ours")
        try:
            return self._run(branch)
        except errors.PlatformError as reason:
            message = reason.finding.line
            if not branches.fail(self.conn, branch, message):
                return outcome.Outcome("lost", message)
            return outcome.Outcome("failed", message)

    def _run(self, branch: branches.Branch) -> outcome.Outcome:
        with workspace.Workspace(self.warehouse, branch) as work:
            self._assets(branch, work)
            touched = work.write(self.fault)
        if not touched:
            return outcome.Outcome("nothing", "no asset had new rows")
        if not branches.point(self.conn, branch, touched):
            return outcome.Outcome("lost", f"{branch.name} is not ours any more")
        self.fault("run_pointed")
        states = self._audit(branch)
        failing = tuple(f for f in states if not f.ok)
        told = sentence(failing) or f"{len(states)} checks hold"
        self.fault("audit_done")
        if not branches.judge(self.conn, branch, states, told):
            return outcome.Outcome("lost", f"{branch.name} is not ours any more")
        self.fault("audit_judged")
        added = sum(t.added for t in touched.values())
        return outcome.Outcome("red" if failing else "green", told, added, states, tuple(touched))

    def _assets(self, branch: branches.Branch, work: workspace.Workspace) -> None:
        folder = self.project / self.job.ingest.folder
        found = functions.load(folder)
        branches.will_write(self.conn, branch.flow, [f.mark.table for f in found])
        for one in found:
            returned = functions.call(one, self._given(one, work), folder)
            made = rows.arrow(returned, one)
            if one.mark.mode == "append" and made.num_rows:
                work.append(one.mark.table, made)
            if one.mark.mode == "replace" and (made.num_rows or work.has(one.mark.table)):
                work.replace(one.mark.table, made)
            self.fault("run_asset")

    def _given(self, found: functions.Found, work: workspace.Workspace) -> Mapping[str, Any]:
        """The parameters that it wants. Raises StepFailed for a table that is not there."""
        given: dict[str, Any] = {}
        for name in found.wants:
            if name == "landing":
                given[name] = Path(str(self.job.landing))
            elif name == "after":
                given[name] = _after(found, work)
            else:
                given[name] = self._rows(found, found.dep(name), work)
        return given

    def _rows(self, found: functions.Found, table: str, work: workspace.Workspace) -> Any:
        if not work.has(table):
            raise errors.StepFailed(
                "ingest.no_table", f"{found.name} reads {table}, which has no rows yet",
                found.where,
                "Correct the name, or let the asset that fills it return rows first.",
            )  # fmt: skip
        return work.read(table)

    def _audit(self, branch: branches.Branch) -> tuple[observed.CheckState, ...]:
        """Every table that has a schema, as the branch shows it."""
        pointed = branches.find(self.conn, branch.name)
        assert pointed is not None
        tables = sorted((n, t.metadata) for n, t in pointed.tables.items())
        return tuple(s for _, states in audit.run(self.job, tables, self.fault) for s in states)


def sentence(failing: Sequence[observed.CheckState]) -> str:
    """The failures in one line, each with its first row."""
    told = []
    for state in failing:
        row = ", ".join(f"{k}={v}" for k, v in state.rows[0].items()) if state.rows else ""
        shown = f", for example {row}" if row else f" {state.message}" if state.message else ""
        told.append(f"{state.name}: {state.failing} row{'s'[: state.failing != 1]}{shown}")
    return "; ".join(told)


def _after(found: functions.Found, work: workspace.Workspace) -> Any:
    """The largest value of the cursor column; None when the table has no rows."""
    table, cursor = found.mark.table, found.mark.cursor
    assert cursor is not None
    if not work.has(table):
        return None
    return pc.max(work.read(table, (cursor,)).column(0)).as_py()


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-ingest-child")
    parser.add_argument("--job", type=Path, required=True)
    parser.add_argument("--branch", required=True)
    parser.add_argument("--sweep", action="store_true")
    arguments = parser.parse_args()
    job = codec.loads(jobs.IngestJob, arguments.job.read_text())
    fault = faults.from_environment(os.environ, points.POINTS)
    with _telling() as out, postgres.connect(job.lake.catalog, str(job.secrets)) as conn:
        run = Run(job, conn, fault)
        out.write(codec.dumps(run.run(arguments.branch)))
        out.flush()
        if arguments.sweep:
            sweep.sweep(conn, run.warehouse, job.name, fault, job.grace)


@contextmanager
def _telling() -> Iterator[IO[str]]:
    """Keep stdout for the outcome; what libraries and the user's code print goes to the log."""
    kept = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_runner, daemon=True).start()
    yield kept


def _end_with_runner() -> None:
    """Wait for the end of stdin. The process may be deep in the user's code, so it ends at once.

    The descriptor is read without ``sys.stdin``, whose lock a thread must not hold at exit.
    """
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
