"""An environment as ``up`` leaves it, over a real source and a real small lake; nothing runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType
from tests.unit.operations.conftest import capturing, platform

from tidewright.kit import files
from tidewright.model import codec, flow, jobs, values
from tidewright.operations import state
from tidewright.pipelines.lake import store
from tidewright.targets.local import layout
from tidewright.testing import lakes
from tidewright.vault import files as vault

RAW = Schema(
    NestedField(1, "id", LongType()),
    NestedField(2, "op", StringType()),
    NestedField(3, "source_table", StringType()),
    NestedField(4, "_lsn", LongType()),
    NestedField(5, "_seq", LongType()),
    NestedField(6, "name", StringType()),
)


def environment(
    project: Path,
    lake: lakes.TempLake,
    source: psycopg.Connection,
    tables: Sequence[str] = ("bank.users",),
) -> state.Environment:
    """Its files: what was applied, the capture's job, and the secrets."""
    place = layout.create(project, "laptop")
    for name in ("pw", "catalog"):
        vault.write(place.secrets, name, lake.server.password)
    name = source.info.dbname
    password = values.Secret("pw")
    at = flow.Connection("127.0.0.1", lake.server.port, name, "postgres", password)
    service = capturing(*tables)
    assert service.process is not None
    template = service.process.job
    assert isinstance(template, jobs.CaptureJob)
    job = dataclasses.replace(
        template,
        source=flow.PostgresSource("bank", at, f"tw_{name}", f"tw_{name}", managed=False),
        capture=flow.Capture("bank", tuple(tables), "raw_data"),
        lake=lake.job,
        secrets=str(place.secrets),
    )
    _give(place, "capture", job)
    process = dataclasses.replace(service.process, job=job)
    applied = platform(dataclasses.replace(service, process=process))
    state.write_applied(place, applied)
    return state.Environment("laptop", place, applied)


def refreshing(found: state.Environment, checks: Mapping[str, str]) -> state.Environment:
    """The same with a refresh that has these checks: name -> SQL."""
    folder = found.place.project / "checks"
    folder.mkdir()
    for name, sql in checks.items():
        (folder / f"{name}.sql").write_text(sql)
    nowhere = flow.Connection("127.0.0.1", 1, "marts", "u", None)
    job = jobs.RefreshJob(
        lands=("bank",),
        lake=jobs.Lake(nowhere, "/lake"),
        marts=nowhere,
        transform=flow.Transform("models"),
        checks=(flow.Check("checks", "keep-last-good"),),
        publish=(),
        project=str(found.place.project),
        scratch="/scratch",
        secrets=str(found.place.secrets),
        status="/run/refresh.json",
    )
    _give(found.place, "refresh", job)
    first = found.applied.services[0]
    process = dataclasses.replace(first.process, job=job)
    added = dataclasses.replace(first, name="refresh", process=process)
    services = (*found.applied.services, added)
    return dataclasses.replace(found, applied=dataclasses.replace(found.applied, services=services))


def _give(place: layout.Layout, service: str, job: jobs.Job) -> None:
    file = place.folder(values.Folder("config", f"{service}/job.json"))
    file.parent.mkdir(parents=True)
    files.replace_private(file, codec.dumps(job))


def committed(lake: lakes.TempLake, ids: Sequence[int], lsn: int = 100) -> store.Done:
    """Add these users to the lake, and to its raw log, in one commit."""
    return commit(lake, lakes.rows(ids), log("c" * len(ids), ids, lsn), lsn)


def commit(
    lake: lakes.TempLake, rows: pa.Table, changes: pa.Table, lsn: int = 100
) -> store.Done:  # fmt: skip
    """Add rows to both tables, made when they are not there."""
    opened = lake.open()
    both = (("bank.users", lakes.USERS, rows), ("raw_data.users", RAW, changes))
    for name, schema, added in both:
        table = opened.table(name) or opened.create(name, schema, lakes.PLAIN, {})
        table.add_rows(added)
    done = opened.commit(lakes.facts(lsn))
    assert isinstance(done, store.Done)
    opened.close()
    return done


def log(ops: str, ids: Sequence[int | None], lsn: int = 100, names: Sequence[str] = ()) -> pa.Table:
    """Changes of the raw log in order."""
    count = len(ops)
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "op": pa.array(list(ops)),
            "source_table": pa.array(["bank.users"] * count),
            "_lsn": pa.array([lsn] * count, pa.int64()),
            "_seq": pa.array(range(1, count + 1), pa.int64()),
            "name": pa.array(names or [None] * count, pa.string()),
        }
    )


def users(source: psycopg.Connection, ids: Sequence[int]) -> None:
    """The same users in the source."""
    source.execute("create schema bank")
    source.execute("create table bank.users (id bigint primary key, name text, amount bigint)")
    for number in ids:
        source.execute(
            "insert into bank.users values (%s, %s, %s)", (number, f"n{number}", number * 10)
        )
