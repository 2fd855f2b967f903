"""The bank's promises, whatever happens: they are what the checks and ``verify`` rely on."""

from decimal import Decimal
from pathlib import Path

import pytest

from tidewright.pipelines.workload import script

BANK = Path(__file__).parents[3] / "examples" / "bank-cdc"
PROMISES = {
    "sum": "select sum(balance) <> 10000000000 from bank.accounts",
    "owner": "select exists (select user_id from bank.accounts except select id from bank.users)",
    "account": "select exists (select id from bank.users except select user_id from bank.accounts)",
}


def broken(database):
    return [name for name, sql in PROMISES.items() if database.execute(sql).fetchone()[0]]


def count(database, sql):
    return database.execute(f"select count(*) from {sql}").fetchone()[0]


def test_every_kind_of_act_happens_and_the_promises_hold(database):
    bank = script.load(BANK / "workload.py")
    bank.setup(database)
    made = sum(bank.step(database, 200) for _ in range(15))
    assert made > 1000
    assert broken(database) == []
    assert count(database, "bank.users where id > 1001") > 10
    assert count(database, "bank.users where id <= 1001") < 991
    assert count(database, "bank.users where email ~ '[.][0-9]+@'") > 50
    assert count(database, "bank.accounts where balance > 0") > 100


def test_the_promises_hold_after_each_transaction(database):
    """A snapshot between two transactions of one batch sees no half transfer."""
    bank = script.load(BANK / "workload.py")
    bank.setup(database)
    bank.step(database, 400)
    database.execute("create table seen (sum numeric)")
    database.execute(
        "create function look() returns trigger language plpgsql as"
        " $$ begin insert into seen select sum(balance) from bank.accounts; return null; end $$"
    )
    database.execute(
        "create constraint trigger at_commit after update or insert or delete on bank.accounts"
        " initially deferred for each row execute function look()"
    )
    bank.step(database, 100)
    seen = {row[0] for row in database.execute("select distinct sum from seen")}
    assert seen == {Decimal("10000000000.00")}


def test_the_count_is_what_really_changed(database):
    bank = script.load(BANK / "workload.py")
    bank.setup(database)
    database.execute("create table seen (n int)")
    for table in ("users", "accounts"):
        database.execute(
            f"create function on_{table}() returns trigger language plpgsql as"
            " $$ begin insert into seen values (1); return null; end $$"
        )
        database.execute(
            f"create trigger t after update or insert or delete on bank.{table}"
            f" for each row execute function on_{table}()"
        )
    made = bank.step(database, 300)
    assert made == count(database, "seen")


def test_a_restart_goes_on_from_what_the_database_holds(database):
    first = script.load(BANK / "workload.py")
    first.setup(database)
    first.step(database, 500)
    users = count(database, "bank.users")
    again = script.load(BANK / "workload.py")
    again.setup(database)
    assert count(database, "bank.users") == users
    again.step(database, 500)
    assert broken(database) == []


def test_the_same_seed_makes_the_same_bank(postgres):
    def run(name):
        with postgres.create(name) as conn:
            bank = script.load(BANK / "workload.py")
            bank.setup(conn)
            bank.step(conn, 300)
            return conn.execute("select id, balance from bank.accounts order by id").fetchall()

    assert run("same1") == run("same2")


@pytest.mark.parametrize("changes", [1, 5000])
def test_bulk_inserts_keep_the_promises_and_work_with_the_other_script(database, changes):
    bulk = script.load(BANK / "bulk.py")
    bulk.setup(database)
    assert bulk.step(database, changes) == changes
    assert broken(database) == []
    bank = script.load(BANK / "workload.py")
    bank.setup(database)
    bank.step(database, 500)
    assert broken(database) == []
