"""What the runner says of itself: ``run/mover-ingest.json``, replaced each second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidewright.model import jobs, observed
from tidewright.pipelines.ingest import outcome
from tidewright.pipelines.lake import branches
from tidewright.pipelines.mover import statusfile

HOP = "run_to_main"
COUNTERS = ("merged", "red", "failed")


class Report:
    """The status of one runner, and when it was written last."""

    def __init__(self, job: jobs.IngestJob) -> None:
        self._file = statusfile.StatusFile(Path(str(job.status)), "ingest")
        self._file.change({"message": "waiting for the catalog"})
        self._datasets: dict[str, observed.DatasetState] = {}
        self._counters = dict.fromkeys(COUNTERS, 0)
        self._written = 0.0

    def tables(self, rows: Mapping[str, branches.Touched]) -> None:
        """What main has, from the runs of earlier runners."""
        for name, table in rows.items():
            self._dataset(name, table, None)

    def says(self, message: str) -> None:
        """A run began. A red state stays until a run is green."""
        if self._file.status.state != "degraded":
            self._change(state="running", message=message, healthy=True)

    def well(self, message: str) -> None:
        """A run ended, and nothing is wrong."""
        self._change(state="running", message=message, healthy=True)

    def merged(self, branch: branches.Branch, commit: int, news: outcome.Outcome) -> None:
        self._file.aged({HOP: (float(statusfile.now_ms() - branch.made_ms),)})
        for name, table in branch.touched.items():
            self._dataset(name, table, branch.name)
        self._counters["merged"] += 1
        self._change(
            state="running", healthy=True, position=branch.name,
            message=f"{branch.name} is commit {commit} of main: {news.added} rows, {news.message}",
            changes=self._file.status.changes + news.added, commits=self._file.status.commits + 1,
        )  # fmt: skip

    def held(self, branch: branches.Branch, news: outcome.Outcome) -> None:
        """Red or failed: main stays as it is, and the branch can be looked at."""
        self._counters[news.state] += 1
        look = f'tidewright query --ref {branch.name} "select ..."'
        message = f"{branch.name} is {news.state} and not merged: {news.message}. Look: {look}"
        self._change(state="degraded", message=message, healthy=True)

    def lost(self, reason: str) -> None:
        """The catalog is away; it is tried again."""
        self._change(healthy=False, message=f"waiting for the catalog: {reason}")

    def stopped(self) -> None:
        self._change(state="stopped", healthy=False, message="stopped")

    def write(self) -> None:
        """Replace the file when it is a second old."""
        if time.monotonic() - self._written >= 1.0:
            self._change(healthy=True)

    def _dataset(self, name: str, table: branches.Touched, position: str | None) -> None:
        self._datasets[name] = observed.DatasetState(
            name, "following", table.rows, 0.0, position, table.snapshot
        )

    def _change(self, **changes: Any) -> None:
        self._written = time.monotonic()
        datasets = tuple(self._datasets[n] for n in sorted(self._datasets))
        counters = dict(self._counters)
        self._file.change({"datasets": datasets, "counters": counters, **changes})
        self._file.write()
