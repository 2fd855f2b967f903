"""Pinning a commit with psycopg alone, and the same views for everyone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.clients import duckdb as duck
from tidewright.pipelines.lake import reader, store
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def lake(postgres: TempPostgres, tmp_path: Path) -> Iterator[lakes.TempLake]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield lake


def fill(opened: store.Store, name: str, lsn: int, ids: list[int]) -> store.Done:
    table = opened.table(name) or opened.create(name, lakes.USERS, lakes.PLAIN, {})
    table.add_rows(lakes.rows(ids))
    done = opened.commit(lakes.facts(lsn))
    assert isinstance(done, store.Done)
    return done


def test_nothing_to_pin_before_the_first_commit(lake: lakes.TempLake) -> None:
    with lake.connect() as conn:
        assert reader.pin(conn) is None
        lake.open()
        assert reader.pin(conn) is None


def test_the_newest_or_the_one_asked_for(lake: lakes.TempLake) -> None:
    opened = lake.open()
    old, new = fill(opened, "bank.a", 1, [1]), fill(opened, "bank.b", 2, [2])
    with lake.connect() as conn:
        newest = reader.pin(conn, "bank")
        assert newest is not None
        assert (newest.commit_id, newest.position) == (new.commit_id, "0/2")
        assert newest.tables == new.tables
        before = reader.pin(conn, commit_id=old.commit_id)
        assert before is not None
        assert set(before.tables) == {"bank.a"}
        assert reader.pin(conn, "another") is None
        with pytest.raises(errors.Refused, match=r"lake\.no_such_commit"):
            reader.pin(conn, commit_id=999)


def test_views_show_the_pinned_commit_whatever_comes_later(lake: lakes.TempLake) -> None:
    opened = lake.open()
    fill(opened, "bank.a", 1, [1, 2])
    with lake.connect() as conn:
        pinned = reader.pin(conn)
    assert pinned is not None
    fill(opened, "bank.a", 2, [3])
    with duck.connect() as session:
        for statement in reader.statements(pinned):
            session.execute(statement)
        assert session.execute("select sum(id) from bank.a").fetchall() == [(3,)]


def test_reading_loads_no_iceberg_library() -> None:
    code = (
        "import sys, tidewright.pipelines.lake.reader;"
        "print([m for m in sys.modules if m.split('.')[0] in ('pyiceberg', 'pyarrow', 'numpy')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_several_flows_are_read_as_one(lake: lakes.TempLake) -> None:
    first = fill(lake.open(), "bank.users", 1, [1])
    shop = lake.open(flow_name="shop")
    fill(shop, "shop.users", 2, [2])
    second = fill(shop, "shop.orders", 3, [3])
    with lake.connect() as conn:
        both = reader.pin_each(conn, ["shop", "bank", "none"])
        assert both is not None
        assert both.heads == {"shop": second.commit_id, "bank": first.commit_id}
        assert (both.flow, both.commit_id) == ("shop, bank", second.commit_id)
        assert both.position == "shop 0/3, bank 0/1"
        assert set(both.tables) == {"bank.users", "shop.users", "shop.orders"}
        assert reader.pin_each(conn, ["bank"]) == reader.pin(conn, "bank")
        assert reader.pin_each(conn, ["none"]) is None
        every = reader.pin_each(conn)
        assert every is not None and set(every.heads) == {"bank", "shop"}
