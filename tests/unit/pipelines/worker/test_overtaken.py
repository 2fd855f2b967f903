"""A change of columns during a first copy: copied again by itself, a few times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from tests.unit.pipelines.worker.running import Running

from tidewright.pipelines.lake import reader
from tidewright.pipelines.worker import overtaken
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

CHANGES = (
    "alter table late add column c{n} int default 7",
    "alter table late add column c{n} int",
    "alter table late alter column name type varchar({n}00)",
    "alter table late drop column name, add column name text not null default ''",
    "alter table late add unique (id, name); alter table late drop constraint late_pkey,"
    " add primary key (name); update late set name = name || id",
)


class Meddler:
    """Someone who alters ``late`` while it is copied, the first ``times`` times."""

    def __init__(self, times: int, change: str) -> None:
        self.worker: Running | None = None
        self.times = times
        self.change = change
        self.copies = 0

    def __call__(self, point: str) -> None:
        if point != "copy_begun" or self.worker is None:
            return
        self.copies += 1
        if self.copies <= self.times:
            self.worker.source.execute(self.change.format(n=self.copies).encode())
            self.worker.source.execute("update late set id = id + 10")
            # The lake goes past the change with the other table before the copy is joined.
            self.worker.settle()


@pytest.fixture
def lake(
    database: psycopg.Connection, postgres: TempPostgres, tmp_path: Path
) -> Iterator[lakes.TempLake]:
    for name in ("users", "late"):
        database.execute(f"create table {name} (id int primary key, name text not null)".encode())
        database.execute(f"insert into {name} values (1, 'a'), (2, 'b')".encode())
    with lakes.TempLake(postgres, tmp_path) as made:
        yield made


def adding(source: psycopg.Connection, lake: lakes.TempLake, meddler: Meddler) -> Running:
    """A worker that follows ``users`` and begins to copy ``late``."""
    worker = Running(source, lake, meddler)
    worker.start()
    worker.settle()
    worker.end()
    capture = replace(worker.job.capture, tables=("public.users", "public.late"))
    worker.job = replace(worker.job, capture=capture)
    meddler.worker = worker
    worker.start()
    return worker


def ids(worker: Running) -> set[object]:
    with worker.lake.connect() as conn:
        found = reader.pin(conn, "bank")
    assert found is not None
    late = found.tables.get("public.late")
    return {row[0] for row in lakes.by_duckdb(late.metadata)} if late else set()


def told(worker: Running) -> str:
    return str(json.loads(Path(str(worker.job.status)).read_text())["message"])


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_copied_again_by_itself(
    database: psycopg.Connection, lake: lakes.TempLake, change: str
) -> None:
    meddler = Meddler(1, change)
    worker = adding(database, lake, meddler)
    try:
        worker.wait(lambda: ids(worker) == {11, 12})
        assert meddler.copies == 2
    finally:
        worker.close()


def test_a_table_that_never_stands_still_stops_and_says_why(
    database: psycopg.Connection, lake: lakes.TempLake
) -> None:
    meddler = Meddler(99, CHANGES[1])
    worker = adding(database, lake, meddler)
    try:
        worker.wait(lambda: "copy 2 of at most 5" in told(worker))
        worker.wait(lambda: "late stopped: its columns changed during each of 5" in told(worker))
        assert meddler.copies == overtaken.COPIES
    finally:
        worker.close()
