"""Bounded upkeep: what is listed stays readable, what nothing needs goes, orphans too."""

from __future__ import annotations

import os
import time
import types
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tidewright.pipelines.lake import care, durable, reading, store
from tidewright.pipelines.lake import table as lake_table
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

SHORT = store.Keep(snapshots=3, most=3, seconds=0, grace=0, commits=4)


@pytest.fixture
def lake(postgres: TempPostgres, tmp_path: Path) -> Iterator[lakes.TempLake]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield lake


def work(opened: store.Store, commits: int) -> lake_table.Table:
    """Each commit replaces five rows of the first file; every fourth compacts."""
    table = opened.table("bank.a") or opened.create("bank.a", lakes.USERS, lakes.PLAIN, {})
    base = table.add_rows(lakes.rows(range(1000)))
    opened.commit(lakes.facts(100))
    for n in range(commits):
        first = n * 5
        table.set_deletes({base.number: np.arange(first, first + 5)})
        table.add_rows(lakes.rows(range(first, first + 5), f"v{n}"))
        if n % 4 == 3:
            small = [k for k in table.data_files if k != base.number]
            merged = [table.read(k, ["id", "name", "amount"]) for k in small]
            table.replace(small, [table.write(merged)])
        assert isinstance(opened.commit(lakes.facts(101 + n)), store.Done)
        opened.care()
    return table


def drain(opened: store.Store) -> None:
    for _ in range(50):
        opened.care()
        time.sleep(0.01)


def test_every_listed_snapshot_stays_readable_and_the_rest_goes(lake: lakes.TempLake) -> None:
    opened = lake.open(options=store.Options(keep=SHORT))
    table = work(opened, 21)
    drain(opened)
    listed = table.metadata.snapshots
    assert len(listed) == 3
    for snapshot in listed:
        assert len(lakes.by_duckdb(table.point.metadata, snapshot.id)) == 1000
    assert lake.files() == care.reachable(table.state)
    assert len(lake.files()) < 40


def test_old_metadata_files_of_the_newest_commits_stay(lake: lakes.TempLake) -> None:
    opened = lake.open(options=store.Options(keep=SHORT))
    work(opened, 12)
    drain(opened)
    with lake.connect() as conn:
        found = conn.execute(
            "select tables -> 'bank.a' ->> 'metadata' from tidewright_commits"
            " order by id desc limit 3"
        ).fetchall()
    for (location,) in found:
        assert len(lakes.by_duckdb(location)) == 1000


def test_snapshots_are_kept_by_count_age_and_limit(lake: lakes.TempLake) -> None:
    keep = store.Keep(snapshots=2, most=5, seconds=3600)
    table = work(lake.open(options=store.Options(keep=keep)), 8)
    assert len(table.metadata.snapshots) == 5


def test_files_wait_for_their_grace(lake: lakes.TempLake) -> None:
    keep = store.Keep(snapshots=1, most=1, seconds=0, grace=3600)
    opened = lake.open(options=store.Options(keep=keep))
    table = work(opened, 8)
    drain(opened)
    assert lake.files() > care.reachable(table.state)


def test_an_expired_pin_meets_an_error_before_its_manifests_are_gone(
    lake: lakes.TempLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = types.SimpleNamespace(monotonic=lambda: now, time=time.time)
    now = 0.0
    monkeypatch.setattr(care, "time", clock)
    keep = store.Keep(snapshots=1, most=1, seconds=0, grace=100)
    opened = lake.open(options=store.Options(keep=keep))
    table = work(opened, 1)
    pinned = table.point.metadata
    kept = [m.location for m in table.state.data]
    for n in range(3):
        table.add_rows(lakes.rows([n]))
        assert isinstance(opened.commit(lakes.facts(500 + n)), store.Done)
    now = 100.0
    drain(opened)
    assert not Path(durable.local(pinned)).exists()
    assert kept and all(Path(durable.local(m)).exists() for m in kept)
    with pytest.raises(duckdb.IOException):
        lakes.by_duckdb(pinned)
    now = 125.0
    drain(opened)
    assert not any(Path(durable.local(m)).exists() for m in kept)


def test_orphans_of_a_crash_go_and_nothing_else(lake: lakes.TempLake) -> None:
    dying = lake.open(options=store.Options(keep=SHORT))
    work(dying, 3).add_rows(lakes.rows(range(5000, 5010)))
    dying.close()
    folder = lake.folder / "lake" / "bank" / "a"
    (folder / "metadata" / "00099-x.metadata.json").write_text("half a file")
    for path in lake.files():
        os.utime(path, (time.time() - 100, time.time() - 100))
    again = lake.open(options=store.Options(keep=SHORT))
    kept = again.table("bank.a")
    assert kept is not None
    young = kept.write(lakes.rows([1]))
    drain(again)
    assert lake.files() == care.reachable(kept.state) | {young.path}
    assert len(lakes.by_duckdb(kept.point.metadata)) == 1000


def test_what_only_snapshots_of_before_a_restart_needed_goes_too(lake: lakes.TempLake) -> None:
    before = lake.open(options=store.Options(keep=SHORT))
    work(before, 3)
    before.close()
    for path in lake.files():
        os.utime(path, (time.time() - 100, time.time() - 100))
    again = lake.open(options=store.Options(keep=SHORT))
    drain(again)
    table = again.table("bank.a")
    assert table is not None
    table.replace(list(table.data_files), lakes.rows(range(1000)))
    assert isinstance(again.commit(lakes.facts(500)), store.Done)
    for n in range(3):
        table.add_rows(lakes.rows([n]))
        assert isinstance(again.commit(lakes.facts(501 + n)), store.Done)
    drain(again)
    assert lake.files() == care.reachable(table.state)


def test_nothing_is_removed_while_a_commit_is_in_doubt(lake: lakes.TempLake) -> None:
    def hang_up(at: str) -> None:
        if at == "before_swap" and armed:
            with lake.connect() as conn:
                conn.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )

    armed = False
    opened = lake.open(options=store.Options(keep=SHORT, fault=hang_up))
    table = work(opened, 6)
    for n in range(3):
        table.add_rows(lakes.rows([n]))
        assert isinstance(opened.commit(lakes.facts(500 + n)), store.Done)
    armed = True
    table.add_rows(lakes.rows([7777]))
    assert isinstance(opened.commit(lakes.facts(900)), store.Unknown)
    time.sleep(0.2)
    before = lake.files()
    drain(opened)
    assert lake.files() == before


def test_old_commits_rows_are_pruned(lake: lakes.TempLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care, "PRUNE_EVERY", 5)
    work(lake.open(options=store.Options(keep=SHORT)), 11)
    with lake.connect() as conn:
        row = conn.execute("select count(*), min(id), max(id) from tidewright_commits").fetchone()
    assert row == (5, 8, 12)


def test_the_files_of_a_replaced_table_go(lake: lakes.TempLake) -> None:
    opened = lake.open(options=store.Options(keep=SHORT))
    work(opened, 5)
    copy = opened.prepare("bank.a", lakes.USERS, lakes.PLAIN, {})
    copy.add_rows(lakes.rows(range(3)))
    assert isinstance(opened.commit(lakes.facts(500)), store.Done)
    opened.adopt(copy)
    assert isinstance(opened.commit(lakes.facts(501)), store.Done)
    drain(opened)
    assert lake.files() == care.reachable(copy.state)
    assert lakes.by_pyiceberg(lake, "bank.a") == [(0, "n0", 0), (1, "n1", 10), (2, "n2", 20)]


def test_a_path_is_what_its_uri_says(tmp_path: Path) -> None:
    assert durable.local(durable.uri(tmp_path)) == str(tmp_path)


def test_nothing_goes_while_somebody_reads_for_long(lake: lakes.TempLake) -> None:
    opened = lake.open(options=store.Options(keep=SHORT))
    warehouse = Path(str(lake.job.warehouse))
    with reading.held(warehouse), reading.held(warehouse):
        table = work(opened, 12)
        before = lake.files()
        drain(opened)
        assert lake.files() == before
    drain(opened)
    assert lake.files() == care.reachable(table.state)
