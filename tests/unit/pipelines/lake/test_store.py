"""The only commit: all or nothing at every fault point, fenced, and decided when in doubt."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tidewright import errors
from tidewright.model import flow, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import schema, store
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres
from tidewright.testing.proxy import Proxy

POINTS = ("data_written", "synced", "staged", "before_swap", "swapped")


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture
def lake(postgres: TempPostgres, tmp_path: Path) -> Iterator[lakes.TempLake]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield lake


def two_tables(opened: store.Store, lsn: int = 100) -> store.Done:
    for name in ("bank.a", "bank.b"):
        table = opened.create(name, lakes.USERS, lakes.PLAIN, {})
        table.add_rows(lakes.rows(range(10)))
    done = opened.commit(lakes.facts(lsn))
    assert isinstance(done, store.Done)
    return done


def counts(lake: lakes.TempLake) -> list[int]:
    catalog = lake.catalog()
    return [len(catalog.load_table(n).scan().to_arrow()) for n in ("bank.a", "bank.b")]


def stage(opened: store.Store, first: int) -> None:
    for name in ("bank.a", "bank.b"):
        table = opened.table(name)
        assert table is not None
        table.add_rows(lakes.rows(range(first, first + 5)))


def test_a_commit_is_there_after_a_restart(lake: lakes.TempLake) -> None:
    done = two_tables(lake.open())
    again = lake.open()
    last = again.last_commit()
    assert last is not None
    assert (last.id, last.position, last.source) == (done.commit_id, "0/64", str(lakes.IDENTITY))
    assert last.tables == done.tables
    assert again.epoch == 2


def test_untouched_tables_stay_and_are_listed_in_every_row(lake: lakes.TempLake) -> None:
    opened = lake.open()
    first = two_tables(opened)
    table = opened.table("bank.a")
    assert table is not None
    table.add_rows(lakes.rows([99]))
    second = opened.commit(lakes.facts(200))
    assert isinstance(second, store.Done)
    assert second.tables["bank.b"] == first.tables["bank.b"]
    assert second.tables["bank.a"] != first.tables["bank.a"]
    assert table.properties["tidewright.position"] == "0/C8"
    current = lake.catalog().load_table("bank.a").current_snapshot()
    assert current is not None
    assert current.summary is not None
    assert current.summary["tidewright.position"] == "0/C8"
    assert current.summary["tidewright.source"] == str(lakes.IDENTITY)


def test_a_commit_without_rows_moves_the_position_only(lake: lakes.TempLake) -> None:
    opened = lake.open()
    first = two_tables(opened)
    second = opened.commit(lakes.facts(300))
    assert isinstance(second, store.Done)
    assert second.tables == first.tables
    last = lake.open().last_commit()
    assert last is not None
    assert last.position == "0/12C"


def test_an_older_writer_can_never_commit(lake: lakes.TempLake) -> None:
    old = lake.open("old")
    two_tables(old)
    stage(old, 100)
    new = lake.open("new")
    refused = old.commit(lakes.facts(200))
    assert isinstance(refused, store.Refused)
    assert refused.reason == "lease_lost"
    assert counts(lake) == [10, 10]
    stage(new, 200)
    assert isinstance(new.commit(lakes.facts(200)), store.Done)
    assert counts(lake) == [15, 15]


def test_another_writer_of_one_table_is_a_conflict_and_nothing_moves(
    lake: lakes.TempLake,
) -> None:
    opened = lake.open()
    two_tables(opened)
    stage(opened, 100)
    lake.catalog().load_table("bank.b").transaction().set_properties(x="1").commit_transaction()
    refused = opened.commit(lakes.facts(200))
    assert isinstance(refused, store.Refused)
    assert refused.reason == "conflict"
    assert counts(lake) == [10, 10]


def test_a_table_that_someone_else_moved_is_refused_at_start(lake: lakes.TempLake) -> None:
    two_tables(lake.open())
    lake.catalog().load_table("bank.b").transaction().set_properties(x="1").commit_transaction()
    with pytest.raises(errors.Refused, match=r"lake\.disagrees"):
        lake.open()


def test_a_table_ahead_of_the_commits_row_is_refused_at_start(lake: lakes.TempLake) -> None:
    two_tables(lake.open())
    with lake.connect() as conn:
        conn.execute("update tidewright_commits set position = '0/1'")
    with pytest.raises(errors.Refused, match=r"lake\.disagrees"):
        lake.open()


def test_a_table_that_an_older_source_left_behind_does_not_keep_the_lake_shut(
    lake: lakes.TempLake,
) -> None:
    opened = lake.open()
    two_tables(opened, 500)
    table = opened.table("bank.a")
    assert table is not None
    table.add_rows(lakes.rows([10]))
    position = flow.Position("postgres", replace(lakes.IDENTITY, timeline=2), 100)
    assert isinstance(opened.commit(store.CommitFacts(position)), store.Done)
    again = lake.open()
    found = {name: table for name, table in again.tables.items() if "bank." in name}
    again.check_source(found["bank.a"])
    with pytest.raises(errors.Refused, match=r"lake\.disagrees"):
        again.check_source(found["bank.b"])


def test_a_missing_metadata_file_is_named(lake: lakes.TempLake) -> None:
    done = two_tables(lake.open())
    Path(done.tables["bank.a"].metadata.removeprefix("file://")).unlink()
    with pytest.raises(errors.StepFailed, match=r"lake\.missing_file"):
        lake.open()


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_leaves_all_old_or_all_new(lake: lakes.TempLake, point: str) -> None:
    two_tables(lake.open())

    def crash(at: str) -> None:
        if at == point:
            raise Crash

    dying = lake.open(options=store.Options(fault=crash))
    stage(dying, 100)
    with pytest.raises(Crash):
        dying.commit(lakes.facts(200))
    dying.close()
    again = lake.open()
    landed = point == "swapped"
    last = again.last_commit()
    assert last is not None
    assert last.position == ("0/C8" if landed else "0/64")
    assert counts(lake) == ([15, 15] if landed else [10, 10])
    stage(again, 300)
    assert isinstance(again.commit(lakes.facts(300)), store.Done)
    assert counts(lake) == ([20, 20] if landed else [15, 15])


def test_every_file_and_folder_is_on_disk_before_the_swap(
    lake: lakes.TempLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[str] = set()
    real = os.fsync

    def watched(handle: int) -> None:
        synced.add(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", watched)
    known: set[str] = set()

    def look(at: str) -> None:
        if at == "before_swap":
            new = lake.files() - known
            assert len(new) >= 5
            assert new | {str(Path(f).parent) for f in new} <= synced
            known.update(new)

    opened = lake.open(options=store.Options(fault=look))
    two_tables(opened)
    assert {str(lake.folder / "lake" / "bank"), str(lake.folder / "lake")} <= synced
    synced.clear()
    table = opened.table("bank.a")
    assert table is not None
    table.set_deletes({min(table.data_files): np.array([1])})
    table.add_rows(lakes.rows([1]))
    assert isinstance(opened.commit(lakes.facts(200)), store.Done)


def test_the_fault_points_are_those_of_the_worker() -> None:
    assert set(POINTS) <= set(faults.POINTS)


def test_a_crash_while_tables_are_new_leaves_none(lake: lakes.TempLake) -> None:
    def crash(at: str) -> None:
        if at == "before_swap":
            raise Crash

    with pytest.raises(Crash):
        two_tables(lake.open(options=store.Options(fault=crash)))
    again = lake.open()
    assert again.last_commit() is None
    assert dict(again.tables) == {}
    two_tables(again)
    assert counts(lake) == [10, 10]


def test_a_commit_whose_connection_died_before_the_end_is_not_there(lake: lakes.TempLake) -> None:
    def hang_up(at: str) -> None:
        if at == "before_swap":
            with lake.connect() as conn:
                conn.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )

    two_tables(lake.open())
    opened = lake.open(options=store.Options(fault=hang_up))
    stage(opened, 100)
    unknown = opened.commit(lakes.facts(200))
    assert isinstance(unknown, store.Unknown)
    with pytest.raises(errors.Bug) as told:
        opened.commit(lakes.facts(200))
    assert told.value.code == "lake.in_doubt"
    refused = opened.read_back(unknown.token)
    assert isinstance(refused, store.Refused)
    assert refused.reason == "not_there"
    opened.reload()
    assert counts(lake) == [10, 10]


def test_a_commit_whose_answer_was_lost_is_found(lake: lakes.TempLake) -> None:
    two_tables(lake.open())
    with Proxy(lake.server.port) as proxy:
        lake.port = proxy.port
        opened = lake.open()
        stage(opened, 100)
        proxy.swallow_answer_to = b"COMMIT"
        unknown = opened.commit(lakes.facts(200))
        assert isinstance(unknown, store.Unknown)
        proxy.swallow_answer_to = None
        done = opened.read_back(unknown.token)
        assert isinstance(done, store.Done)
        assert counts(lake) == [15, 15]
        stage(opened, 200)
        assert isinstance(opened.commit(lakes.facts(300)), store.Done)
        assert counts(lake) == [20, 20]
        opened.close()


def test_a_reload_instead_of_reading_back_sees_the_truth(lake: lakes.TempLake) -> None:
    two_tables(lake.open())
    with Proxy(lake.server.port) as proxy:
        lake.port = proxy.port
        opened = lake.open()
        stage(opened, 100)
        proxy.swallow_answer_to = b"COMMIT"
        assert isinstance(opened.commit(lakes.facts(200)), store.Unknown)
        proxy.swallow_answer_to = None
        opened.reload()
        last = opened.last_commit()
        assert last is not None
        assert last.position == "0/C8"
        opened.close()


def test_a_catalog_that_is_gone_is_said_so(lake: lakes.TempLake) -> None:
    opened = lake.open()
    with lake.connect() as conn:
        conn.execute("drop table tidewright_leases")
    with pytest.raises(errors.StepFailed, match=r"lake\.catalog_lost") as told:
        opened.reload()
    assert isinstance(told.value, errors.Transient)


def test_discard_drops_rows_tables_and_columns(lake: lakes.TempLake) -> None:
    opened = lake.open()
    two_tables(opened)
    stage(opened, 100)
    opened.create("bank.c", lakes.USERS, lakes.PLAIN, {})
    a = opened.table("bank.a")
    assert a is not None
    a.evolve([schema.DropColumn("amount")])
    opened.discard()
    assert opened.table("bank.c") is None
    assert len(a.data_files) == 1
    assert len(a.schema.fields) == 3
    assert isinstance(opened.commit(lakes.facts(200)), store.Done)
    assert counts(lake) == [10, 10]


def test_a_table_cannot_be_created_twice(lake: lakes.TempLake) -> None:
    opened = lake.open()
    two_tables(opened)
    with pytest.raises(errors.Bug, match=r"lake\.table_exists"):
        opened.create("bank.a", lakes.USERS, lakes.PLAIN, {})


def test_a_table_of_that_name_in_the_catalog_is_a_conflict(lake: lakes.TempLake) -> None:
    opened = lake.open()
    with lake.connect() as conn:
        conn.execute("insert into iceberg_tables values ('lake', 'bank', 'a', 'file:///x')")
    opened.create("bank.a", lakes.USERS, lakes.PLAIN, {})
    refused = opened.commit(lakes.facts(100))
    assert isinstance(refused, store.Refused)
    assert refused.reason == "conflict"


@pytest.mark.parametrize("name", ["a#b", "50%", "what?", "it's"])
def test_a_folder_that_readers_misread_is_refused(lake: lakes.TempLake, name: str) -> None:
    job = jobs.Lake(lake.job.catalog, str(lake.folder / name))
    with pytest.raises(errors.Refused, match=r"lake\.folder_name"):
        store.Store.open(job, lake.folder / "secrets", "bank", "test")


def test_two_flows_share_a_catalog_and_do_not_see_each_other(lake: lakes.TempLake) -> None:
    two_tables(lake.open())
    other = lake.open(flow_name="shop")
    assert other.last_commit() is None
    other.create("shop.orders", lakes.USERS, lakes.PLAIN, {})
    assert isinstance(other.commit(lakes.facts(5)), store.Done)
    assert set(lake.open().tables) == {"bank.a", "bank.b"}
