"""The console's two database sessions, catalog and marts: opened when used, closed when idle.

A session costs its server several megabytes, so an unwatched console holds none. Both are
read-only and every statement has a time limit.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any, Literal

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import jobs

IDLE_SECONDS = 20.0
_OPTIONS = "-c default_transaction_read_only=on -c statement_timeout=5000 -c timezone=UTC"


class Sessions:
    """``with sessions.use("catalog") as conn``. Safe from several threads, one user at a time."""

    def __init__(self, job: jobs.ConsoleJob) -> None:
        self._job = job
        self._open: dict[str, psycopg.Connection[Any]] = {}
        self._used = 0.0
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def use(self, which: Literal["catalog", "marts"]) -> Iterator[psycopg.Connection[Any]]:
        """The session, opened if need be; a broken one is forgotten and the error raised."""
        with self._lock:
            connection = self._open.get(which) or self._connect(which)
            try:
                yield connection
            except psycopg.OperationalError as reason:
                raise _lost(which, reason) from None
            finally:
                self._used = time.monotonic()
                if connection.broken or connection.closed:
                    self._open.pop(which, None)

    def close_idle(self) -> None:
        """Close what nobody used for a while."""
        if self._open and time.monotonic() - self._used > IDLE_SECONDS:
            self.close()

    def close(self) -> None:
        """Close both sessions; the next use opens them again."""
        with self._lock:
            for connection in self._open.values():
                connection.close()
            self._open.clear()

    def _connect(self, which: str) -> psycopg.Connection[Any]:
        lake = self._job.lake
        target = (lake.catalog if lake else None) if which == "catalog" else self._job.marts
        if target is None:
            raise _not_told(which)
        found = postgres.connect(
            target, str(self._job.secrets), connect_timeout=3, options=_OPTIONS,
            application_name="tidewright console",
        )  # fmt: skip
        self._open[which] = found
        return found


def _lost(which: str, reason: psycopg.Error) -> errors.StepFailed:
    what = f"the {which} database did not answer: {(str(reason) or 'no reason').splitlines()[0]}"
    return errors.StepFailed("console.database", what, which, "See `tidewright status`.")


def _not_told(which: str) -> errors.Unsupported:
    what = f"this environment has no {which} database"
    hint = "Add the stage that needs it to `flow`, then run `tidewright up`."
    return errors.Unsupported("console.no_database", what, which, hint)
