"""A small lake with a catalog, commits and marts in a real PostgreSQL, and the console's job."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

from tidewright.model import flow, jobs, values
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

COMMITS = """
create table tidewright_commits (id bigint generated always as identity primary key,
  flow text not null, epoch bigint not null, token uuid not null unique, kind text not null,
  source text not null, position text not null,
  committed_at timestamptz not null default clock_timestamp(),
  newest_ms bigint, oldest_ms bigint, changes bigint not null, tables jsonb not null)
"""
COMMIT = """
insert into tidewright_commits
  (flow, epoch, token, kind, source, position, newest_ms, changes, tables)
values ('bank', 1, gen_random_uuid(), 'postgres', '1/1/bank', %s, %s, %s, %s)
"""


def job(server: TempPostgres, database: str, folder: Path, warehouse: Path) -> jobs.ConsoleJob:
    secrets = folder / "secrets"
    vault.write(secrets, "database", server.password)
    place = flow.Connection(
        "127.0.0.1", server.port, database, "postgres", values.Secret("database")
    )
    lake = jobs.Lake(place, str(warehouse))
    return jobs.ConsoleJob(
        "platform.yaml", "laptop", str(folder), 0, str(secrets), "bank", lake, place
    )


def fill(server: TempPostgres, database: str, warehouse: Path, rows: int = 100) -> pa.Table:
    """Write ``bank.users`` with PyIceberg, and its commits row."""
    uri = f"postgresql+psycopg://postgres:{server.password}@127.0.0.1:{server.port}/{database}"
    catalog = SqlCatalog("lake", uri=uri, warehouse=f"file://{warehouse}")
    catalog.create_namespace("bank")
    content = pa.table({"id": range(rows), "email": [f"u{i}@example.com" for i in range(rows)]})
    table = catalog.create_table("bank.users", schema=content.schema)
    table.append(content)
    snapshot = table.current_snapshot()
    assert snapshot
    point = {"snapshot": snapshot.snapshot_id, "metadata": table.metadata_location}
    catalog.close()
    with psycopg.connect(server.dsn(database), autocommit=True) as conn:
        conn.execute(COMMITS.encode())
        conn.execute(COMMIT.encode(), ("0/10", None, 0, json.dumps({})))
        tables = json.dumps({"bank.users": point})
        conn.execute(COMMIT.encode(), ("0/20", 1_700_000_000_000, rows, tables))
    return content
