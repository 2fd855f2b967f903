"""The loop with a real source and a real lake: cuts, and every reason to stop for good."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from tests.unit.pipelines.worker.running import Running

from tidewright import errors
from tidewright.model import codec, flow, observed
from tidewright.pipelines.lake import reader, store
from tidewright.pipelines.worker import cuts, orders, report, stops
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def worker(
    database: psycopg.Connection, postgres: TempPostgres, tmp_path: Path
) -> Iterator[Running]:
    database.execute("create table users (id int primary key, name text)")
    database.execute("insert into users values (1, 'a'), (2, 'b')")
    with lakes.TempLake(postgres, tmp_path) as lake:
        running = Running(database, lake)
        yield running
        running.close()


def rows(worker: Running, commit: int | None = None) -> list[tuple[object, ...]]:
    with worker.lake.connect() as conn:
        found = reader.pin(conn, "bank", commit)
    assert found is not None
    return lakes.by_duckdb(found.tables["public.users"].metadata)


def test_it_follows_and_commits_exactly_at_a_cut(worker: Running) -> None:
    worker.start()
    worker.settle()
    with worker.lake.connect() as conn, cuts.Asking(conn, "bank", 30) as asking:
        asking.held()
        worker.source.execute("insert into users values (3, 'before')")
        point = worker.now()
        worker.source.execute("insert into users values (4, 'after')")
        commit = asking.at(point)
        found = reader.pin(conn, "bank", commit)
        assert found is not None
        assert flow.lsn_value(found.position) == point
    assert rows(worker, commit) == [(1, "a"), (2, "b"), (3, "before")]
    worker.settle()
    assert rows(worker)[-1] == (4, "after")


def test_it_is_not_well_before_its_source_lets_it_copy(
    worker: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[bool, str]] = []
    put = report.Report._put

    def noted(self: report.Report, status: observed.CaptureStatus) -> None:
        said.append((status.healthy, status.message))
        put(self, status)

    monkeypatch.setattr(report.Report, "_put", noted)
    capture = replace(worker.job.capture, tables=("public.users", "public.later"))
    worker.job = replace(worker.job, capture=capture)
    worker.start()
    worker.wait(lambda: len(said) > 1)
    assert not any(healthy for healthy, _ in said)
    assert "public.later does not exist [source.table_missing]" in said[-1][1]
    worker.source.execute("create table later (id int primary key)")
    worker.settle()
    worker.wait(lambda: said[-1] == (True, "following"))


def test_a_worker_that_died_between_commit_and_answer_is_answered_for(worker: Running) -> None:
    worker.start()
    worker.settle()
    worker.end()
    worker.start()  # this one has committed nothing itself
    with worker.lake.connect() as conn, cuts.Asking(conn, "bank", 10) as asking:
        asking.held()
        here = worker.pinned()
        assert here is not None
        assert asking.at(flow.lsn_value(here.position)) == here.commit_id


def test_a_cut_that_lies_behind_the_lake_is_missed(worker: Running) -> None:
    worker.start()
    worker.settle()
    with worker.lake.connect() as conn, cuts.Asking(conn, "bank", 30) as asking:
        asking.held()
        with pytest.raises(errors.StepFailed) as told:
            asking.at(worker.position() - 1)
    assert told.value.code == "lake.cut_missed"


def test_a_rival_that_took_the_lease_ends_it(worker: Running) -> None:
    worker.start()
    worker.settle()
    before = rows(worker)
    worker.lake.open("rival")
    worker.source.execute("insert into users values (3, 'late')")
    stop = worker.stops()
    assert stop is not None
    assert stop.code == "lake.refused"
    assert "lease" in stop.message
    assert rows(worker) == before


def test_a_slot_that_was_moved_past_the_lake_is_not_followed(worker: Running) -> None:
    worker.start()
    worker.settle()
    worker.end()
    worker.source.execute("insert into users values (3, 'unseen')")
    move = "select pg_replication_slot_advance(%s, pg_current_wal_lsn())"
    worker.source.execute(move, (worker.job.source.slot,))
    worker.start()
    stop = worker.stops()
    assert stop is not None
    assert stop.code == "source.slot_ahead"


def test_a_lake_of_another_source_is_not_continued(worker: Running) -> None:
    opened = worker.lake.open()
    assert isinstance(opened.commit(lakes.facts(100)), store.Done)
    opened.close()
    worker.start()
    stop = worker.stops()
    assert stop is not None
    assert stop.code == "source.identity"
    assert str(lakes.IDENTITY) in stop.message


def _halted(worker: Running, tables: tuple[str, ...]) -> dict[str, str]:
    """The tables that have stopped, once the worker speaks of just these tables."""
    found: dict[str, str] = {}

    def spoken() -> bool:
        file = Path(str(worker.job.status))
        if not file.exists():
            return False
        told = json.loads(file.read_text())
        found.clear()
        found.update({d["dataset"]: d["message"] for d in told["datasets"] if d["message"]})
        names = {d["dataset"] for d in told["datasets"] if not d["dataset"].startswith("raw_")}
        ready = all(d["state"] in ("following", "stopped") for d in told["datasets"])
        return told["healthy"] and ready and names == set(tables)

    worker.wait(spoken)
    return found


def _wants(worker: Running, *tables: str) -> None:
    worker.job = replace(worker.job, capture=replace(worker.job.capture, tables=tables))


@pytest.fixture
def refusing(worker: Running) -> Running:
    """It follows users, and has refused a table without a key."""
    worker.start()
    worker.settle()
    worker.end()
    worker.source.execute("create table keyless (id int)")
    _wants(worker, "public.users", "public.keyless")
    worker.start()
    assert "no primary key" in _halted(worker, worker.job.capture.tables)["public.keyless"]
    worker.end()
    Path(str(worker.job.status)).unlink()
    return worker


def test_the_stop_of_a_table_that_left_the_file_is_forgotten(refusing: Running) -> None:
    _wants(refusing, "public.users")
    refusing.start()
    assert not _halted(refusing, refusing.job.capture.tables)
    refusing.end()
    told = json.loads(Path(str(refusing.job.status)).read_text())
    assert "keyless" not in told["message"]
    with refusing.lake.connect() as conn:
        assert "public.keyless" not in stops.Stops(conn, "bank", 0).all()


def test_a_table_that_never_came_is_tried_again_by_the_next_worker(refusing: Running) -> None:
    refusing.source.execute("alter table keyless add primary key (id)")
    refusing.start()
    assert not _halted(refusing, refusing.job.capture.tables)


def test_a_table_that_never_came_is_tried_again_when_the_job_is_given_again(
    refusing: Running,
) -> None:
    file = refusing.lake.folder / "job.json"
    file.write_text(codec.dumps(refusing.job))
    refusing.orders = orders.Orders(file)
    refusing.start()
    assert _halted(refusing, refusing.job.capture.tables)
    refusing.source.execute("alter table keyless add primary key (id)")
    assert _halted(refusing, refusing.job.capture.tables)
    os.utime(file)
    refusing.wait(lambda: "stopped" not in Path(str(refusing.job.status)).read_text())
    assert not _halted(refusing, refusing.job.capture.tables)
