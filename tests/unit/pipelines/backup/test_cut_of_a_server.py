"""A real server: a moment without a transaction, fingerprints, a catalog of another time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.unit.pipelines.backup import points

from tidewright import errors
from tidewright.model import backups, flow, jobs, values
from tidewright.operations.restoring import lake
from tidewright.pipelines.backup import cut, fingerprints, servers
from tidewright.pipelines.lake import catalog
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault


@pytest.fixture(scope="module")
def server() -> Iterator[TempPostgres]:
    with TempPostgres({"wal_level": "replica"}) as made:
        yield made


@pytest.fixture
def live(server: TempPostgres, tmp_path: Path) -> servers.Live:
    vault.write(tmp_path / "secrets", "admin", server.password)
    admin = flow.Connection(
        "127.0.0.1", server.port, "postgres", "postgres", values.Secret("admin")
    )
    return servers.Live(jobs.BackedServer("store", admin), tmp_path / "secrets", tmp_path, "slot")


def marked(live: servers.Live, leaving: contextlib.ExitStack) -> cut.Cut:
    found = cut.Cut(0)
    found.targets["store"] = cut._mark_quiet("store", live, found, leaving, 0.5)
    return found


def test_views_show_what_was_there_at_the_mark(live: servers.Live) -> None:
    with live.connect() as conn, contextlib.ExitStack() as leaving:
        conn.execute("create table kept (v int)")
        conn.execute("insert into kept values (1), (2)")
        found = marked(live, leaving)
        view = found.views["store", "postgres"]
        before = fingerprints.of_database(view, "store", "postgres")
        conn.execute("insert into kept values (3)")
        assert fingerprints.of_database(view, "store", "postgres") == before
        assert {f.table: f.rows for f in before} == {"public.kept": 2}
        with live.connect() as other, other.transaction():
            now = fingerprints.of_database(other, "store", "postgres")
        assert now != before and now[0].rows == 3
    with live.connect() as conn:  # the views are closed: they held the table
        conn.execute("drop table kept")


def test_an_open_transaction_is_waited_for_and_named(live: servers.Live) -> None:
    with live.connect() as busy, contextlib.ExitStack() as leaving:
        with busy.transaction():
            busy.execute("select pg_current_xact_id()")
            with pytest.raises(errors.TimedOut) as caught:
                marked(live, leaving)
        assert caught.value.code == "backup.busy_server"
        assert marked(live, leaving).targets


def test_a_catalog_of_another_time(live: servers.Live, tmp_path: Path) -> None:
    """The point says which commit the lake's files belong to."""
    with live.connect() as conn:
        catalog.prepare(conn)
        number = _commit(conn, "0/100")
        point = points.keep(tmp_path).point
        said = backups.Flow("bank", number, "postgres", "7/1/bank", "0/100", {}, "source", True)
        lake.check_catalog(_with(point, said), conn)
        _commit(conn, "0/200")
        with pytest.raises(errors.PromiseBroken) as caught:
            lake.check_catalog(_with(point, said), conn)
        assert caught.value.code == "backup.stale_catalog"
        assert "0/200" in caught.value.what and "0/100" in caught.value.what


def _with(point: backups.Point, said: backups.Flow) -> backups.Point:
    return backups.Point(**{**{f: getattr(point, f) for f in point.__slots__}, "flows": (said,)})


def _commit(conn: psycopg.Connection, position: str) -> int:
    row = conn.execute(
        "insert into tidewright_commits (flow, epoch, token, kind, source, position, changes,"
        " tables) values ('bank', 1, gen_random_uuid(), 'postgres', '7/1/bank', %s, 0, '{}')"
        " returning id",
        [position],
    ).fetchone()
    assert row is not None
    return int(row[0])
