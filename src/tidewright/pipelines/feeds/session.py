"""A connection to a source with every setting that shapes text fixed, reopened after it broke.

The text of a value must not depend on the server's or the role's settings: first copy, feed and
verification compare it. Login and its errors are ``clients.postgres``' work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors as pg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import flow

# row_security off turns a copy that policies would silently filter into an error of the server;
# synchronous_commit local keeps a pulse from waiting for a standby that is away; work_mem lets the
# server put a usual peek into frames without temporary files.
SETTINGS: Mapping[str, str] = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "search_path": "pg_catalog",
    "row_security": "off",
    "synchronous_commit": "local",
    "work_mem": "32MB",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
Rows = list[tuple[Any, ...]]


class Lost(errors.StepFailed, errors.Transient):
    """The source cannot be used now; the same act may succeed later."""


class Session:
    """One connection, opened when needed. ``replication``: a walsender, which runs SQL as well."""

    def __init__(
        self, connection: flow.Connection, secrets: Path | str, replication: bool = False
    ) -> None:
        self.place = f"source {postgres.place(connection)}"
        self._connection = connection
        self._secrets = secrets
        self._extra = {"replication": "database"} if replication else {}
        self._live: psycopg.Connection | None = None

    def open(self) -> psycopg.Connection:
        """The live connection; a new one when there is none."""
        if self._live is None or self._live.closed:
            self.close()
            self._live = postgres.connect(
                self._connection,
                self._secrets,
                options=" ".join(f"-c {name}={value}" for name, value in SETTINGS.items()),
                client_encoding="UTF8",
                prepare_threshold=None,
                **self._extra,
            )
        return self._live

    def close(self) -> None:
        """Close it; ``open`` makes a new one."""
        if self._live is not None:
            self._live.close()
            self._live = None

    def ask(self, query: str, *values: object) -> Rows:
        """Run one statement and return its rows."""
        with self.guard():
            cursor = self.open().execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn the loss of the connection into ``source.unreachable``; other errors pass."""
        try:
            yield
        except psycopg.OperationalError as reason:
            # A server that goes down says so first, while the connection still looks open.
            going = isinstance(reason, pg.AdminShutdown | pg.CrashShutdown | pg.CannotConnectNow)
            if self._live is not None and not self._live.closed and not going:
                raise
            self.close()
            raise lost(self.place, reason) from None


def lost(place: str, reason: BaseException) -> Lost:
    """The error for a connection that broke."""
    lines = str(reason).strip().splitlines() or ["the connection closed"]
    return Lost(
        "source.unreachable",
        f"the source stopped answering: {lines[0]}",
        place,
        "Start it again or mend the network; the platform tries again by itself.",
    )
