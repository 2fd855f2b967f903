"""The record of stopped tables: written under the lease, kept per flow, cleared by a new copy."""

from __future__ import annotations

import psycopg
import pytest
from tests.unit.pipelines.worker import together

from tidewright.pipelines.lake import catalog
from tidewright.pipelines.worker import stops
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def conn(database: psycopg.Connection) -> psycopg.Connection:
    """A catalog whose lease somebody holds at epoch 1."""
    catalog.prepare(database)
    stops.prepare(database)
    assert catalog.take_lease(database, "bank", "test") == 1
    return database


def positions(conn: psycopg.Connection) -> dict[str, str | None]:
    return dict(conn.execute("select dataset, position from tidewright_stops").fetchall())


def test_a_stop_is_kept_with_its_reason_and_position(conn: psycopg.Connection) -> None:
    assert stops.Stops(conn, "bank", 1).record("bank.users", "poison", "0/10")
    assert stops.Stops(conn, "bank", 1).all() == {"bank.users": "poison"}
    assert positions(conn) == {"bank.users": "0/10"}


def test_a_later_stop_replaces_the_first(conn: psycopg.Connection) -> None:
    mine = stops.Stops(conn, "bank", 1)
    assert mine.record("bank.users", "poison", "0/10")
    assert mine.record("bank.users", "dropped", "0/20")
    assert mine.all() == {"bank.users": "dropped"}
    assert positions(conn) == {"bank.users": "0/20"}


def test_who_lost_the_lease_records_nothing(conn: psycopg.Connection) -> None:
    catalog.take_lease(conn, "bank", "another")
    assert not stops.Stops(conn, "bank", 1).record("bank.users", "poison", "0/10")
    assert stops.Stops(conn, "bank", 2).all() == {}


def test_asking_again_needs_no_lease_and_keeps_the_place(conn: psycopg.Connection) -> None:
    assert stops.Stops(conn, "bank", 1).record("bank.users", "poison", "0/10")
    asker = stops.Stops(conn, "bank", 0)
    asker.ask_again("bank.users")
    asker.ask_again("bank.accounts")
    assert asker.all() == {"bank.users": stops.REMOVED, "bank.accounts": stops.REMOVED}
    assert positions(conn) == {"bank.users": "0/10", "bank.accounts": None}


def test_only_what_was_copied_again_is_forgotten(conn: psycopg.Connection) -> None:
    mine, other = stops.Stops(conn, "bank", 1), stops.Stops(conn, "shop", 0)
    for table in ("bank.a", "bank.b"):
        mine.ask_again(table)
        other.ask_again(table)
    mine.clear(("bank.a",))
    assert set(mine.all()) == {"bank.b"}
    assert set(other.all()) == {"bank.a", "bank.b"}


def test_two_sessions_may_make_the_table_at_once(
    database: psycopg.Connection, postgres: TempPostgres
) -> None:
    together.both(database, postgres, stops.prepare)
