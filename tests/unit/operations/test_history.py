"""Commits and marts for the console, from a real PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from tests.unit.operations import lakes

from tidewright import errors
from tidewright.model import flow, jobs
from tidewright.operations import console_sessions, history
from tidewright.testing.postgres import TempPostgres

MARTS = """
create schema marts;
create table marts.daily (day date, accounts int, total numeric(12,2));
insert into marts.daily select date '2026-01-01' + i, i, i * 10 from generate_series(0, 99) i;
create table marts.top (account_id int primary key, owner text, balance numeric);
insert into marts.top select i, 'owner ' || i, 100 - i from generate_series(1, 20) i;
create table marts.odd ("we""ird; drop" text, "n u m" float8);
insert into marts.odd values ('a', 1), (null, 2), ('b', null);
create table marts.flags (done bool);
"""


@pytest.fixture
def pool(
    postgres: TempPostgres, database: psycopg.Connection, tmp_path: Path
) -> console_sessions.Sessions:
    job = lakes.job(postgres, database.info.dbname, tmp_path, tmp_path / "lake")
    return console_sessions.Sessions(job)


def test_an_empty_catalog_has_no_commit(pool: console_sessions.Sessions) -> None:
    assert history.recent_commits(pool, 5) == ()
    assert history.pin(pool).commit is None
    pool.close()


def test_commits_come_newest_first(
    pool: console_sessions.Sessions,
    postgres: TempPostgres,
    database: psycopg.Connection,
    tmp_path: Path,
) -> None:
    lakes.fill(postgres, database.info.dbname, tmp_path / "lake")
    newest, oldest = history.recent_commits(pool, 5)
    assert (newest.position, newest.changes, newest.tables) == ("0/20", 100, 1)
    assert (oldest.id, oldest.newest_ms) == (newest.id - 1, None)
    pin = history.pin(pool)
    assert (pin.commit, pin.tables) == (newest.id, ("bank.users",))
    assert "iceberg_scan" in pin.statements[-1]
    pool.close()


def test_each_mart_gives_the_rows_of_its_chart(
    pool: console_sessions.Sessions, database: psycopg.Connection
) -> None:
    database.execute(MARTS.encode())
    wanted = history.Wanted(("top", "daily", "odd", "flags", "no"))
    found = {s.name: s.answer for s in history.samples(pool, wanted)}
    assert list(found) == ["top", "daily", "odd"]
    assert len(found["daily"].rows) == 60 and found["daily"].rows[-1] == ("2026-04-10", "99")
    assert [c.name for c in found["top"].columns] == ["owner", "balance"]
    assert found["top"].rows[0] == ("owner 1", "99")
    assert found["odd"].rows == (("a", "1"), ("b", None))
    pool.close()


def test_a_chart_of_the_file_is_drawn_instead_of_a_guess(
    pool: console_sessions.Sessions, database: psycopg.Connection
) -> None:
    database.execute(MARTS.encode())
    charts = (
        flow.Chart("All of it", "daily", "table"),
        flow.Chart("Totals", "daily", "bar", "day", "total"),
        flow.Chart("No such column", "top", "bar", "nobody", "balance"),
    )
    found = {s.name: s for s in history.samples(pool, history.Wanted(("daily", "top"), charts))}
    assert found["daily"].title == "Totals"
    assert [c.name for c in found["daily"].answer.columns] == ["day", "total"]
    assert found["daily"].answer.rows[0] == ("2026-04-10", "990.00")
    assert found["top"].title == ""
    pool.close()


@pytest.mark.parametrize(
    ("columns", "picked"),
    [
        ([("id", "N"), ("day", "D"), ("n", "N")], history.Picked("day", "n", True)),
        ([("name", "S"), ("day", "D"), ("n", "N")], history.Picked("day", "n", True)),
        ([("account_id", "N"), ("balance", "N")], history.Picked("account_id", "balance", False)),
        ([("id", "N"), ("name", "S")], None),
        ([("n", "N")], None),
        ([], None),
    ],
)
def test_the_default_chart(
    columns: list[tuple[str, str]], picked: tuple[str, str, str] | None
) -> None:
    assert history.pick(columns) == picked


def test_a_database_that_is_away_is_a_message(tmp_path: Path) -> None:
    server = TempPostgres()
    pool = console_sessions.Sessions(lakes.job(server, "nothing", tmp_path, tmp_path))
    found = history.read(pool, ["daily"])
    assert found.commits == () and "cannot be reached" in found.message


def test_a_job_without_databases_says_what_is_missing() -> None:
    pool = console_sessions.Sessions(jobs.ConsoleJob("platform.yaml", "laptop", "/", 0, "/"))
    with pytest.raises(errors.Unsupported, match=re.escape("console.no_database")):
        history.recent_commits(pool, 1)


def test_sessions_cannot_write_and_are_closed_when_idle(
    pool: console_sessions.Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pool.use("marts") as first, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        first.execute("create table x (a int)")
    monkeypatch.setattr(console_sessions, "IDLE_SECONDS", 0.0)
    pool.close_idle()
    assert first.closed
    with pool.use("marts") as second:
        assert second.execute("select 1").fetchone() == (1,)
    pool.close()


def test_a_broken_session_is_replaced(
    pool: console_sessions.Sessions, database: psycopg.Connection
) -> None:
    with pool.use("catalog") as first:
        database.execute("select pg_terminate_backend(%s)", [first.info.backend_pid])
    with pytest.raises(errors.StepFailed, match=re.escape("console.database")):
        history.recent_commits(pool, 1)
    assert history.recent_commits(pool, 1) == ()
    pool.close()
