"""Care of the tables that Flink writes, by Trino: small files merged, old snapshots forgotten.

Each checkpoint adds files to every table that changed, and deletes are files as well; without care
a table is read slower with every hour. A merge that meets a commit of Flink gives way, or makes
Flink commit again; either way no row is touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from tidewright.clients import trino
from tidewright.model import native
from tidewright.pipelines.compare import tables

EVERY = 120.0  # over four minutes of deletes a join of the bank's two tables took 8 to 10 s
KEPT = "10m"  # of snapshots: as long as a query may take
STEPS = (
    "optimize(file_size_threshold => '64MB')",
    f"expire_snapshots(retention_threshold => '{KEPT}')",
)


class Care:
    """``when_due``: does what is due, and says what could not be done."""

    def __init__(
        self,
        job: native.DeployJob,
        say: Callable[[str], None],
        ask: Callable[[str, str], object] = lambda url, query: trino.ask(
            url, query, user=native.CARE
        ),
    ) -> None:
        self._job, self._say, self._ask = job, say, ask
        self._next = time.monotonic() + EVERY

    def when_due(self) -> None:
        if time.monotonic() < self._next:
            return
        for statement in self.statements():
            try:
                self._ask(str(self._job.sql), statement)
            except trino.Refused as reason:
                self._say(f"not done: {statement}: {str(reason)[:300]}")
        self._next = time.monotonic() + EVERY

    def statements(self) -> Iterator[str]:
        """In Trino's SQL, for the raw and the current table of each captured one."""
        for table in self._job.capture.tables:
            for name in (table, f"{self._job.capture.raw_namespace}.{table.partition('.')[2]}"):
                for step in STEPS:
                    yield f"alter table {tables.relation(name)} execute {step}"
