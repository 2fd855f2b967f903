"""Small lakes for tests: a store on a temporary PostgreSQL, and every reader asked the same."""

from __future__ import annotations

import contextlib
import functools
import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
import psycopg
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType

from tidewright.clients import duckdb as duck
from tidewright.model import flow, jobs, values
from tidewright.pipelines.lake import store
from tidewright.testing import postgres
from tidewright.vault import files as vault

IDENTITY = flow.Identity("7300000000000000001", 1, "bank")
PLAIN = PartitionSpec(spec_id=0)
USERS = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "name", StringType()),
    NestedField(3, "amount", LongType()),
    identifier_field_ids=[1],
)
_numbers = itertools.count()


@dataclass
class TempLake:
    """A database and a folder. ``open`` may be called again and again, like restarts."""

    server: postgres.TempPostgres
    folder: Path
    database: str = ""
    port: int = 0
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> TempLake:
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()

    def __post_init__(self) -> None:
        if not self.database:
            self.database = f"lake{next(_numbers)}"
            self.server.create(self.database).close()
        vault.write(self.folder / "secrets", "catalog", self.server.password)

    @property
    def job(self) -> jobs.Lake:
        port = self.port or self.server.port
        password = values.Secret("catalog")
        where = flow.Connection("127.0.0.1", port, self.database, "postgres", password)
        return jobs.Lake(where, str(self.folder / "lake"))

    def open(
        self, owner: str = "test", options: store.Options = store.OPTIONS, flow_name: str = "bank"
    ) -> store.Store:
        opened = store.Store.open(self.job, self.folder / "secrets", flow_name, owner, options)
        self._open.callback(opened.close)
        return opened

    def connect(self) -> psycopg.Connection:
        return self.server.connect(self.database)

    def catalog(self) -> SqlCatalog:
        """The lake as PyIceberg sees it without us."""
        server = self.server
        where = f"127.0.0.1:{server.port}/{self.database}"
        uri = f"postgresql+psycopg2://postgres:{server.password}@{where}"
        found = SqlCatalog("lake", uri=uri, warehouse=f"file://{self.folder}/lake")
        self._open.callback(found.engine.dispose)
        return found

    def files(self) -> set[str]:
        """Of tables: the lock of long readers is none."""
        return {str(p) for p in (self.folder / "lake").rglob("[!.]*") if p.is_file()}


def facts(lsn: int) -> store.CommitFacts:
    """A commit at position ``lsn`` of the one source there is."""
    return store.CommitFacts(flow.Position("postgres", IDENTITY, lsn))


def rows(ids: Sequence[int], name: str = "n") -> pa.Table:
    """Rows of USERS; ``amount`` is ten times the key."""
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "name": pa.array([f"{name}{i}" for i in ids], pa.string()),
            "amount": pa.array([i * 10 for i in ids], pa.int64()),
        }
    )


def by_duckdb(location: str, snapshot: int | None = None) -> list[tuple[object, ...]]:
    """All rows of a table, sorted, by DuckDB from the metadata file."""
    at = f", snapshot_from_id={snapshot}" if snapshot is not None else ""
    return _sorted(_duckdb(), f"select * from iceberg_scan('{location}'{at})")


@functools.cache
def _duckdb() -> duckdb.DuckDBPyConnection:
    return duck.connect(threads=1)


def _sorted(conn: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return sorted(conn.execute(query).fetchall(), key=repr)


def by_pyiceberg(
    lake: TempLake, name: str, snapshot: int | None = None
) -> list[tuple[object, ...]]:
    """The same by PyIceberg through its own catalog."""
    found = lake.catalog().load_table(name).scan(snapshot_id=snapshot).to_arrow()
    return _plain(found.to_pylist())


def by_polars(location: str, snapshot: int | None = None) -> list[tuple[object, ...]]:
    """The same by Polars, which may plan the scan with PyIceberg."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pl.scan_iceberg(location, snapshot_id=snapshot).collect()
    return _plain(found.to_dicts())


def _plain(found: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return sorted((tuple(row.values()) for row in found), key=repr)
