"""What may happen to a followed table while everything runs, each on a real source and lake."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.e2e.rig import Rig

pytestmark = pytest.mark.heavy


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        made.start()
        made.settle()
        yield made


def state_of(rig: Rig, table: str) -> dict[str, str]:
    datasets = json.loads((rig.folder / "run" / "capture.json").read_text())["datasets"]
    return next(d for d in datasets if d["dataset"] == table)


def wait_stopped(rig: Rig, table: str) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = state_of(rig, table)
        if found["state"] == "stopped":
            return found["message"]
        time.sleep(0.1)
    raise TimeoutError(rig.status())


def test_columns_come_go_and_are_renamed(rig: Rig) -> None:
    rig.load(0.5)
    rig.source.execute("alter table bank.users add column phone text")
    rig.source.execute("update bank.users set phone = '1' where id % 2 = 0")
    rig.source.execute("alter table bank.users rename column name to label")
    rig.source.execute("update bank.users set label = 'renamed' where id % 3 = 0")
    rig.source.execute("alter table bank.accounts add column note int")
    rig.source.execute("update bank.accounts set note = 7 where id < 50")
    rig.settle()
    rig.source.execute("alter table bank.accounts drop column note")
    rig.source.execute("insert into bank.accounts values (999999, 0)")
    rig.settle()
    rig.check()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("alter table bank.users add column vip boolean default true", "default"),
        ("alter table bank.users alter column name type int using 1", "changed its type|rewrote"),
        ("alter table bank.users drop column name; alter table bank.users add column name text",
         "dropped and made again"),
        ("drop table bank.users; create table bank.users (id bigint primary key, email text);"
         " alter publication tw_bank add table bank.users", "dropped"),
        ("alter publication tw_bank drop table bank.users", "publication"),
        ("alter table bank.users alter column at type timestamptz using 'infinity'", "rewrote"),
        ("alter table bank.users add column n int default 0;"
         " alter table bank.users alter column n drop default", "rewrote|default"),
        ("update bank.users set at = 'infinity' where id = 1", "infinity"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_stops_that_table_alone(rig: Rig, statement: str, why: str) -> None:
    rig.source.execute(statement)
    rig.source.execute("insert into bank.users (id) values (777777)")
    assert re.search(why, wait_stopped(rig, "bank.users"))
    rig.source.execute("insert into bank.accounts values (777777, 0)")
    rig.settle()
    rig.check(("bank.accounts", "bank.notes"))
    rig.kill()
    rig.start()
    rig.settle()
    assert re.search(why, wait_stopped(rig, "bank.users")), "a restart must not forget a stop"


def test_a_stopped_table_is_copied_again_on_demand(rig: Rig) -> None:
    rig.source.execute("alter table bank.users alter column name type int using 1")
    rig.source.execute("insert into bank.users (id) values (777777)")
    assert re.search("changed its type|rewrote", wait_stopped(rig, "bank.users"))
    rig.copy_again("bank.users")
    rig.wait_for(lambda: "ok" if state_of(rig, "bank.users")["state"] == "following" else "", 20)
    rig.source.execute("update bank.users set name = 2 where id < 20")
    rig.settle()
    rig.check()


def test_a_followed_table_is_copied_again_on_demand(rig: Rig) -> None:
    rig.copy_again("bank.users")
    log = rig.folder / "worker.log"
    rig.load(1)
    rig.wait_for(lambda: "again" if log.read_text().count("First copy of") == 2 else "", 20)
    rig.load(0.5)
    # Until it is joined, the lake shows the table of before, whatever position the others have.
    rig.wait_for(lambda: "in" if log.read_text().count("copied, and followed") == 2 else "", 60)
    rig.settle()
    rig.check()


def test_rows_moved_without_a_change_do_not_stop_anything(rig: Rig) -> None:
    rig.source.execute("vacuum full bank.users")
    rig.source.execute("truncate bank.notes")
    rig.load(0.5)
    rig.settle()
    rig.check()
    assert state_of(rig, "bank.users")["state"] == "following"


def test_a_slot_that_was_dropped_is_named_and_nothing_guessed(rig: Rig) -> None:
    rig.wait_for(lambda: "drop" if rig.drop_slot() else "")
    rig.source.execute("insert into bank.accounts values (888888, 0)")
    message = rig.wait_for(lambda: str(rig.status().get("message")) if rig.stopped() else "")
    assert "tw_bank" in message
    assert "source.slot_missing" in message


def test_an_added_table_is_copied_while_the_others_go_on(rig: Rig) -> None:
    rig.source.execute(
        "create table bank.extra (id int primary key, v text);"
        " insert into bank.extra select g, repeat('v', g % 50) from generate_series(1, 20000) g"
    )
    rig.load(0.3)
    rig.want("bank.extra", ("id",))
    rig.load(1.5)
    rig.source.execute("update bank.extra set v = 'late' where id % 100 = 0")
    rig.settle()
    rig.check()
    pid = rig.status()["pid"]
    assert rig.worker is not None
    assert pid == rig.worker.pid, "the worker took it up without a restart"


def test_a_table_altered_while_it_is_copied_is_copied_again(rig: Rig) -> None:
    rig.source.execute(
        "create table bank.big (id int primary key, v text);"
        " insert into bank.big select g, repeat('v', 200) from generate_series(1, 500000) g;"
        " create table bank.late (id int primary key);"
        " insert into bank.late select generate_series(1, 100)"
    )
    rig.tables["bank.big"] = ("id",)
    rig.want("bank.late", ("id",))
    made = "select slot_name from pg_replication_slots where slot_name like 'tidewright_copy_%'"
    made += " and confirmed_flush_lsn is not null"
    rig.wait_for(lambda: "copying" if rig.source.execute(made).fetchone() else "", 20)
    rig.source.execute("alter table bank.late add column word text")
    rig.source.execute("update bank.late set word = 'meanwhile' where id % 2 = 0")
    rig.load(1)
    rig.settle()
    rig.check()
    log = (rig.folder / "worker.log").read_text()
    assert "bank.late was altered while it was copied" in log
    assert state_of(rig, "bank.late")["state"] == "following"


def test_a_second_worker_can_never_commit(rig: Rig) -> None:
    first = rig.worker
    rig.start()
    log = rig.folder / "worker.log"
    rig.wait_for(lambda: log.read_text() if "another worker follows" in log.read_text() else "", 30)
    rig.load(1)
    second, rig.worker = rig.worker, first
    rig.settle()
    rig.check()
    assert second is not None
    assert log.read_text().count("Capture ") == 1
    second.kill()
    second.wait(10)


def test_a_transaction_of_two_million_rows_in_bounded_memory(rig: Rig) -> None:
    before = rig.peak_mb()
    rig.source.execute(
        "insert into bank.users select g, 'e' || g, 'n', now()"
        " from generate_series(2000000, 3999999) g"
    )
    rig.settle(180)
    rig.check()
    assert rig.peak_mb() - before < 900
