"""Models on Trino: views of a catalog of their own over the lake's snapshots, and dbt beside them.

What dbt makes are Iceberg tables of that catalog. DuckDB reads them from the object store, so that
the marts of both engines go through one map of types.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import duckdb as driver
import psycopg

from tidewright import errors
from tidewright.clients import duckdb, objects
from tidewright.clients import trino as client
from tidewright.model import native
from tidewright.pipelines.lake import reader
from tidewright.pipelines.publish import extract, mart
from tidewright.pipelines.transform import engine, leftovers, statement

THREADS = 4  # models and tests at once; most of a small one is waiting for Trino to plan it
MEMORY = "512MB"  # of DuckDB, which only streams finished marts
SWEEP = 10  # refreshes between two looks for leftovers; each look lists the folder
COPIES = "tidewright_marts"  # the schema of tables made of published models that are views
# A client in this process that reads the environment may not go through a proxy to our engines.
DIRECT = ("NO_PROXY", "no_proxy")
_MADE = """
select table_namespace, table_name, iceberg_type, metadata_location
from iceberg_tables where catalog_name = %s and metadata_location is not null
"""
_LINE = re.compile(r"\bline (\d+):(\d+): ")


class Ask(Protocol):
    """``clients.trino.ask``."""

    def __call__(
        self, url: str, query: str, *, user: str, catalog: str, limit: int | None = None
    ) -> client.Answer: ...


class Trino:
    """The engine as one user of Trino. ``catalog``: a session at the Iceberg catalog's database."""

    def __init__(
        self,
        at: native.Trino,
        catalog: Callable[[], psycopg.Connection[Any]],
        secret: Callable[[str], str],
        ask: Ask = client.ask,
    ) -> None:
        self.at = at
        self._catalog, self._secret, self._ask = catalog, secret, ask
        self._views: dict[str, int | None] = {}
        self._schemas: set[str] = set()
        self._turns = 0
        self._duck: driver.DuckDBPyConnection | None = None
        os.environ.update(dict.fromkeys(DIRECT, "*"))

    def profile(self) -> Mapping[str, object]:
        """The same server, asked as the same user."""
        host, _, port = str(self.at.url).partition("://")[2].partition(":")
        return {
            "type": "trino",
            "method": "none",
            "host": host,
            "port": int(port),
            "http_scheme": "http",
            "user": native.REFRESHER,
            "database": native.MODELS,
            "schema": engine.SCHEMA,
            "threads": THREADS,
            "timezone": "UTC",
        }

    def point(self, tables: Mapping[str, reader.PinnedTable]) -> None:
        """A view for each table, replaced when its snapshot is another. Raises QueryFailed."""
        for name, pinned in tables.items():
            if name not in self._views or self._views[name] != pinned.snapshot:
                self._view(name, pinned.snapshot)
                self._views[name] = pinned.snapshot
        if self._turns % SWEEP == 0:
            # What stays now is found the next time.
            with contextlib.suppress(OSError, psycopg.Error, errors.PlatformError):
                self._sweep()
        self._turns += 1

    def look(self, query: str, limit: int) -> engine.Look:
        """Run the one SELECT in a text as a subquery. Raises QueryFailed."""
        try:
            inner = statement.only(query)
        except statement.NotOne:
            raise engine.QueryFailed("this is not one SELECT") from None
        try:
            found = self._run(f"select * from (\n{inner}\n) limit {limit}")  # noqa: S608  the user's
            rows = tuple(
                dict(zip(found.columns, map(engine.shown, row), strict=True)) for row in found.rows
            )
            if len(rows) < limit:
                return engine.Look(len(rows), rows)
            counted = self._run(f"select count(*) from (\n{inner}\n)").rows  # noqa: S608  the same
        except engine.QueryFailed as reason:
            raise engine.QueryFailed(_quoting(str(reason), inner)) from None
        return engine.Look(int(counted[0][0]), rows)

    def mart(self, model: engine.Model) -> mart.Mart:
        """The model's table as it is now; a model that is a view is made a table first."""
        schema, name = model.schema.lower(), model.table.lower()
        made = self._made(schema, name)
        if made is not None and made.kind == leftovers.VIEW:
            self._schema(COPIES)
            copy = f"{engine.quoted(COPIES)}.{engine.quoted(name)}"
            self._run(f"drop table if exists {copy}")
            self._run(f"create table {copy} as select * from {model.relation}")  # noqa: S608  quoted
            made = self._made(COPIES, name)
        if made is None:
            raise engine.QueryFailed(f"dbt made no table {schema}.{name} in Trino")
        view = engine.quoted(model.name)
        scan = f"iceberg_scan({engine.literal(made.metadata)})"
        try:
            duck = self._reading()
            duck.execute(f"create or replace view {view} as select * from {scan}")  # noqa: S608
            return extract.read(duck, view, model.name, model.key)
        except driver.Error as reason:
            raise engine.QueryFailed(str(reason)) from None

    def close(self) -> None:
        if self._duck is not None:
            self._duck.close()
        self._duck = None

    def _view(self, name: str, snapshot: int | None) -> None:
        schema, _, table = name.partition(".")
        self._schema(schema)
        relation = f"{engine.quoted(schema)}.{engine.quoted(table)}"
        moment = "where false" if snapshot is None else f"for version as of {snapshot}"
        body = f"select * from {engine.quoted(native.CATALOG)}.{relation} {moment}"  # noqa: S608  quoted
        self._run(f"create or replace view {relation} as {body}")

    def _schema(self, name: str) -> None:
        if name not in self._schemas:
            self._run(f"create schema if not exists {engine.quoted(name)}")
            self._schemas.add(name)

    def _run(self, query: str) -> client.Answer:
        try:
            return self._ask(str(self.at.url), query, user=native.REFRESHER, catalog=native.MODELS)
        except client.Away as reason:
            raise engine.EngineAway(
                "refresh.engine_away",
                f"Trino does not answer: {str(reason).partition(chr(10))[0]}",
                "service trino",
                "It is tried again; look at the log with `tidewright logs trino`.",
            ) from None
        except client.Refused as reason:
            raise engine.QueryFailed(str(reason)) from None

    def _all(self) -> tuple[leftovers.Made, ...]:
        rows = self._catalog().execute(_MADE, [native.MODELS]).fetchall()
        return tuple(leftovers.Made(*row) for row in rows)

    def _made(self, schema: str, name: str) -> leftovers.Made | None:
        return next((m for m in self._all() if (m.schema, m.name) == (schema, name)), None)

    def _sweep(self) -> None:
        store = objects.store(self.at.objects, self._secret)
        folder = f"{self.at.objects.bucket}/{native.MODELS}"
        files = objects.below(store, folder)
        objects.remove(store, leftovers.of(folder, files, self._all()))

    def _reading(self) -> driver.DuckDBPyConnection:
        if self._duck is None:
            self._duck = duckdb.connect(memory_limit=MEMORY, threads=2)
            duckdb.reach(self._duck, self.at.objects, self._secret)
            self._duck.execute("set timezone = 'UTC'")
        return self._duck


def _quoting(text: str, inner: str) -> str:
    """Trino's reason with the user's line below it, as DuckDB prints it.

    The query is on the second line of what was asked, so Trino's number is one too high.
    """
    found = _LINE.search(text)
    lines = inner.splitlines()
    number = int(found.group(1)) - 1 if found else 0
    if not 1 <= number <= len(lines):
        return text
    return f"{text}\nLINE {number}: {lines[number - 1]}"
