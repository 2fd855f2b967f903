"""Everything the console asks for, in one place: it is told a job and knows no operation.

Nothing is opened before it is asked for. DuckDB lives in the SQL box's own process, never here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tidewright.model import jobs, views
from tidewright.operations import (
    catalog_front,
    console_keys,
    console_sessions,
    history,
    metrics,
    observing,
    sqlbox,
)


class Desk:
    """The console's dealings with one environment. Safe to use from several threads."""

    def __init__(self, job: jobs.ConsoleJob) -> None:
        lake = str(job.lake.warehouse).removeprefix("file://") if job.lake else ""
        self._state = Path(str(job.state))
        self._pool = console_sessions.Sessions(job)
        self._keys = console_keys.Keys(str(job.secrets))
        self._front = catalog_front.CatalogFront(self._pool, lake)
        self._box = sqlbox.SqlBox(lake)
        self._charts = job.charts
        self.opens = self._keys.opens
        self.redeem = self._keys.redeem
        self.session = self._keys.session
        self.admits = self._keys.admits
        self.catalog_config = self._front.config
        self.namespaces = self._front.namespaces
        self.namespace = self._front.namespace
        self.catalog_tables = self._front.tables
        self.catalog_table = self._front.table

    def observe(self) -> views.Observation:
        """All status files, now."""
        return observing.observe(self._state)

    def history(self, marts: Sequence[str]) -> views.History:
        """Recent commits, and the rows of each mart's chart."""
        return history.read(self._pool, history.Wanted(tuple(marts), self._charts))

    def tables(self) -> tuple[str, ...]:
        """The tables that a SELECT may name."""
        return history.pin(self._pool).tables

    def ask(self, sql: str) -> views.Answer:
        """One SELECT on the newest commit, in the locked process."""
        return self._box.ask(sql, history.pin(self._pool))

    def metrics(self) -> str:
        """The metrics page."""
        return metrics.render(self.observe())

    def rest(self) -> None:
        """Give back what nobody used for a while."""
        self._pool.close_idle()

    def close(self) -> None:
        """End the SQL box's process and both sessions."""
        self._box.close()
        self._pool.close()


def console_desk(job: jobs.ConsoleJob) -> Desk:
    """The desk of a running environment."""
    return Desk(job)
