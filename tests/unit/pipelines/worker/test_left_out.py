"""A table that is truncated again and again holds up nobody's first copy but its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import errors as pg
from tests.unit.pipelines.worker.running import Running

from tidewright.pipelines.feeds import snapshot
from tidewright.pipelines.lake import reader
from tidewright.pipelines.worker import copying, loop, overtaken
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

BOTH = ("public.busy", "public.users")


class Truncating:
    """Truncates ``busy`` and fills it again in the window of each copy, as long as it may."""

    def __init__(self, source: psycopg.Connection) -> None:
        self.source = source
        self.copies = 0
        self.waited = 0

    def __call__(self, point: str) -> None:
        if point != "copy_begun":
            return
        self.copies += 1
        try:
            self.source.execute(
                f"truncate busy; insert into busy values ({self.copies}, 'x')".encode()
            )
        except pg.LockNotAvailable:
            self.waited += 1


@pytest.fixture
def lake(
    database: psycopg.Connection, postgres: TempPostgres, tmp_path: Path
) -> Iterator[lakes.TempLake]:
    for name in ("users", "busy"):
        database.execute(f"create table {name} (id int primary key, name text not null)".encode())
        database.execute(f"insert into {name} values (1, 'a'), (2, 'b')".encode())
    database.execute("set lock_timeout = '50ms'")
    with lakes.TempLake(postgres, tmp_path) as made:
        yield made


def ids(worker: Running, table: str) -> set[object]:
    with worker.lake.connect() as conn:
        pinned = reader.pin(conn, "bank")
    found = pinned.tables.get(table) if pinned else None
    return {row[0] for row in lakes.by_duckdb(found.metadata)} if found else set()


def test_the_others_are_followed_and_then_it_is_too(
    database: psycopg.Connection, lake: lakes.TempLake
) -> None:
    meddler = Truncating(database)
    worker = Running(database, lake, meddler)
    capture = replace(worker.job.capture, tables=BOTH)
    worker.job = replace(worker.job, capture=capture)
    worker.start()
    try:
        worker.wait(lambda: ids(worker, "public.users") == {1, 2})
        worker.wait(lambda: ids(worker, "public.busy") == {1})
        assert (meddler.copies, meddler.waited) == (2, 1)
        database.execute("truncate busy")  # it is free again, and the lake goes along
        database.execute("insert into busy values (7, 'y')")
        worker.wait(lambda: ids(worker, "public.busy") == {7})
    finally:
        worker.close()


def test_what_is_followed_does_not_wait_for_one_that_is_always_late(
    database: psycopg.Connection, lake: lakes.TempLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window between a snapshot and its first lock is small, and somebody is always in it."""
    monkeypatch.setattr(copying, "PAUSES", (0.01, 0.02))
    hold = snapshot.Snapshot.hold
    late = list[int]()

    def too_late(self: snapshot.Snapshot, names: tuple[str, ...]) -> None:
        if "public.busy" in names:
            late.append(len(late))
            database.execute(f"truncate busy; insert into busy values ({len(late)}, 'x')".encode())
        hold(self, names)

    monkeypatch.setattr(snapshot.Snapshot, "hold", too_late)
    worker = Running(database, lake)
    worker.job = replace(worker.job, capture=replace(worker.job.capture, tables=BOTH))
    outages = list[str]()
    monkeypatch.setattr(loop.Loop, "_outage", lambda _, problem: outages.append(problem.what))
    worker.start()
    try:
        worker.wait(lambda: len(late) > 6)  # more than one copy of it alone
        database.execute("insert into users values (3, 'c')")
        worker.wait(lambda: ids(worker, "public.users") == {1, 2, 3})
        assert ids(worker, "public.busy") == set()
        assert outages == []
        monkeypatch.setattr(snapshot.Snapshot, "hold", hold)
        worker.wait(lambda: len(ids(worker, "public.busy")) == 1)
    finally:
        worker.close()


def test_the_calm_ones_come_first_and_the_fragile_ones_alone() -> None:
    seen = overtaken.Overtaken()
    assert seen.next(BOTH) == (BOTH, False)
    seen.left_out(("public.busy",))
    assert seen.next(BOTH) == (("public.users",), False)
    assert seen.next(("public.busy",)) == (("public.busy",), True)
    seen.forget(("public.busy",))
    assert seen.next(BOTH) == (BOTH, False)
