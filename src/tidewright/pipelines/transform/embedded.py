"""DuckDB in the refresh's own process: views over a pinned commit, and models' results.

dbt opens the same file in this process and shares the instance, so views made here are what its
models read. The file is scratch: each process starts with an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb as driver

from tidewright.clients import duckdb
from tidewright.pipelines.lake import reader
from tidewright.pipelines.publish import extract, mart
from tidewright.pipelines.transform import engine

FILE = "refresh.duckdb"
LOOK = "tidewright_look"
MEMORY = "1GB"
THREADS = 2
# DuckDB shares an instance only between connections of one configuration, so dbt is told ours.
CONFIGURATION: Mapping[str, object] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": MEMORY,
    "threads": THREADS,
}
SETTINGS = ("set global timezone = 'UTC'", "set global preserve_insertion_order = false")


class Embedded:
    """One open database."""

    def __init__(self, scratch: Path) -> None:
        self.path = scratch / FILE
        for old in (self.path, self.path.with_name(FILE + ".wal")):
            old.unlink(missing_ok=True)
        self.connection = duckdb.connect(self.path, memory_limit=MEMORY, threads=THREADS)
        for setting in SETTINGS:
            self.connection.execute(setting)
        self._views: dict[str, str] = {}

    def close(self) -> None:
        self.connection.close()

    def profile(self) -> Mapping[str, object]:
        """For dbt, which opens the same file with the same configuration."""
        return {
            "type": "duckdb",
            "path": str(self.path),
            "schema": engine.SCHEMA,
            "threads": 1,
            "settings": {"TimeZone": "UTC"},
            "config_options": dict(CONFIGURATION),
        }

    def point(self, tables: Mapping[str, reader.PinnedTable]) -> None:
        """Views over each table as of its metadata file. Raises QueryFailed."""
        for name, pinned in tables.items():
            metadata = pinned.metadata
            if self._views.get(name) == metadata:
                continue
            schema, _, table = name.partition(".")
            self.execute(f"create schema if not exists {engine.quoted(schema)}")
            scan = f"iceberg_scan({engine.literal(metadata)})"
            view = f"{engine.quoted(schema)}.{engine.quoted(table)}"
            self.execute(f"create or replace view {view} as select * from {scan}")  # noqa: S608
            self._views[name] = metadata

    def execute(self, query: str) -> Any:
        """Run one statement. Raises QueryFailed with DuckDB's reason."""
        try:
            return self.connection.execute(query)
        except driver.Error as reason:
            raise engine.QueryFailed(str(reason)) from None

    def look(self, query: str, limit: int) -> engine.Look:
        """Run the one SELECT in a text, comments and semicolon included. Raises QueryFailed."""
        try:
            statements = self.connection.extract_statements(query)
        except driver.Error as reason:
            raise engine.QueryFailed(str(reason)) from None
        if [s.type for s in statements] != [driver.StatementType.SELECT]:
            raise engine.QueryFailed("this is not one SELECT")
        self.execute(f"create or replace temp view {LOOK} as\n{query}")
        found = self.execute(f"select * from {LOOK} limit {limit}")  # noqa: S608  numbers and names
        names = [column[0] for column in found.description]
        rows = tuple(dict(zip(names, map(engine.shown, r), strict=True)) for r in found.fetchall())
        count = len(rows) if len(rows) < limit else self._count()
        return engine.Look(count, rows)

    def mart(self, model: engine.Model) -> mart.Mart:
        """The model's rows, read from where dbt made it."""
        return extract.read(self, model.relation, model.name, model.key)

    def _count(self) -> int:
        return int(self.execute(f"select count(*) from {LOOK}").fetchone()[0])  # noqa: S608
