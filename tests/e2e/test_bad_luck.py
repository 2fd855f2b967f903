"""What may happen to a running bank: each accident is named, and after it every row is there.

One environment for all of them, as a user would have it. What needs another source or a disk of
its own is in ``test_bad_places``.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator

import pytest

from tests.e2e.bank import Bank

SERVICES = ("source-bank", "store", "capture", "refresh", "console", "workload-bank")
FROZEN = 20.0
CONSTANT = 10_000_000_000


@pytest.fixture(scope="module")
def shared() -> Iterator[Bank]:
    with Bank() as made:
        made.up()
        made.wait_well()
        yield made


@pytest.fixture
def bank(shared: Bank) -> Iterator[Bank]:
    """The running bank; afterwards it must be well by itself, and exact."""
    yield shared
    shared.wait_well()
    shared.exact()
    assert shared.totals() == {CONSTANT}


def test_each_process_killed_in_turn_comes_back(bank: Bank) -> None:
    for name in SERVICES:
        before = bank.service(name)
        bank.kill(name)
        bank.wait_restarted(name, before)
        assert bank.totals() == {CONSTANT}


def test_a_killed_transform_process_is_named_and_started_again(bank: Bank) -> None:
    bank.wait("it works", lambda status: len(bank.processes("refresh")) > 1)
    for child in bank.processes("refresh")[1:]:
        child.kill()
    bank.wait_says("refresh", "the transform process ended with signal 9", 10)


def test_nothing_is_left_of_a_killed_supervisor_and_up_goes_on(bank: Bank) -> None:
    everything = bank.processes()
    supervisor = next(p for p in everything if p.pid == bank.supervisor())
    supervisor.kill()
    deadline = time.monotonic() + 30
    while alive := [p for p in everything if p.is_running() and p.status() != "zombie"]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.1)
    assert bank.status()["state"] == "stopped"
    bank.up()


def test_everything_killed_at_one_moment(bank: Bank) -> None:
    bank.send(signal.SIGKILL)
    assert bank.status()["state"] == "stopped"
    bank.up()


def test_the_store_killed_inside_commits(bank: Bank) -> None:
    """The answer is lost, once with the commit's session alone: what became of it is read back."""
    for whole in (False, True, True):
        bank.wait_landed()
        with bank.catalog() as conn, conn.transaction():
            conn.execute("select * from tidewright_leases for update")
            blocked = bank.wait_for_commit(conn)
            if whole:
                bank.send(signal.SIGKILL, "store")
                conn.close()
            else:
                conn.execute("select pg_terminate_backend(%s)", (blocked,))
        bank.wait_well()
        assert bank.totals() == {CONSTANT}
    said = bank.run("logs", "capture", "--grep", "answer to the commit").stdout
    assert said.count("was lost. It is read back") >= 3, said


def test_a_source_that_is_gone_or_frozen_is_named(bank: Bank) -> None:
    bank.send(signal.SIGSTOP, "source-bank")
    try:
        bank.wait_says("source-bank", "no response", FROZEN)
        bank.wait_says("capture", "the source does not answer", FROZEN)
    finally:
        bank.send(signal.SIGCONT, "source-bank")
    bank.wait_well()
    bank.kill("source-bank")
    status = bank.wait_says("capture", "[source.unreachable]", 15)
    told = next(s["message"] for s in status["services"] if s["name"] == "capture")
    assert "/bank: " in told
    assert "Start it" in told


def test_a_second_up_changes_nothing(bank: Bank) -> None:
    pids = {s["name"]: s["pid"] for s in bank.status()["services"]}
    both = [bank.start("up"), bank.start("up")]
    for process in both:
        out, err = process.communicate(timeout=150)
        assert process.returncode in (0, 4), err
        assert "Traceback" not in out + err
        assert "Nothing to change." in err or "[local.busy]" in err
    assert {s["name"]: s["pid"] for s in bank.status()["services"]} == pids


def test_an_error_in_a_model_keeps_the_marts(bank: Bank) -> None:
    model = bank.folder / "models" / "marts" / "top_accounts.sql"
    good = model.read_text()
    model.write_text(good + "\nthis is not sql\n")
    status = bank.wait_says("refresh", "top_accounts.sql")
    shown = bank.marts("select count(*) from marts.top_accounts")
    assert shown
    assert "refresh." in next(s["message"] for s in status["services"] if s["name"] == "refresh")
    model.write_text(good)
    bank.wait_well()


def test_a_failing_check_keeps_the_last_good_marts_and_names_the_rows(bank: Bank) -> None:
    check = bank.folder / "checks" / "nobody_is_the_bank.sql"
    check.write_text("select id, name from bank.users where id = 1\n")
    bank.wait_says("refresh", "nobody_is_the_bank")
    frozen = bank.marts("select max(position) from marts.tidewright_publications")
    time.sleep(3)
    assert bank.marts("select max(position) from marts.tidewright_publications") == frozen
    told = json.loads((bank.root / "run" / "refresh.json").read_text())
    state = next(c for c in told["checks"] if c["name"] == "nobody_is_the_bank")
    assert (state["ok"], state["failing"]) == (False, 1)
    assert state["rows"][0]["name"] == "The bank itself"
    assert "The bank itself" in bank.message("refresh")
    check.unlink()
    bank.wait_well()


def test_a_taken_port_is_named_and_another_one_chosen(bank: Bank) -> None:
    assert bank.run("stop").returncode == 0
    port = bank.ports()["store.sql"]
    with bank.listening(port):
        assert f"Port {port} of store is taken by another program" in bank.up()
    assert bank.ports()["store.sql"] != port


def test_a_dropped_slot_is_named_within_ten_seconds(shared: Bank) -> None:
    """Nothing is guessed: the lake stands still until a person begins anew."""
    with shared.source() as source:
        shared.drop_slot(source)
        status = shared.wait_says("capture", "[source.slot_missing]", 10)
    told = next(s["message"] for s in status["services"] if s["name"] == "capture")
    assert f"slot {shared.slot} is gone" in told
    assert "tidewright destroy" in told
    assert {f["state"] for f in status["flows"]} == {"stopped"}
    refused = shared.run("verify")
    assert refused.returncode != 0
    assert "source.slot_missing" in refused.stderr
    assert shared.run("destroy", "--yes").returncode == 0
    shared.up()
    shared.exact()
