"""The bank on the real engines, as plain processes: exact in Trino, also after engines were killed.

Fetches 1.2 GB of programs once (they stay in the cache of the account) and needs 4.5 GB of memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.e2e.bank import Bank

pytestmark = pytest.mark.heavy
# The first start fetches the programs; on a busy machine Java starts slowly.
START = 900
# In CI the three that lose something of their own: the job, a transaction, the log.
KILLED = ("jobmanager", "connect", "kafka")
ALL = (*KILLED, "taskmanager", "objects", "trino", "store", "source-bank")


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    with Bank("bank-cdc", "native") as made:
        done = made.run("up", "native", "--timeout", str(START), seconds=START + 60)
        assert done.returncode == 0, done.stderr
        yield made


def exact(bank: Bank) -> None:
    done = bank.run("verify", "native", "-o", "json", seconds=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ok"], done.stdout


def asked(bank: Bank, query: str) -> list[dict[str, object]]:
    done = bank.run("query", query, "--env", "native", "-o", "json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout)["rows"])


def test_every_row_is_in_the_lake_under_load(bank: Bank) -> None:
    exact(bank)


def test_trino_answers_a_query(bank: Bank) -> None:
    rows = asked(bank, "select count(*) as n, sum(balance) as s from bank.accounts")
    assert int(str(rows[0]["n"])) > 1000
    kinds = asked(bank, "select op, count(*) as n from raw_data.users group by op order by op")
    assert {row["op"] for row in kinds} >= {"c", "d", "u"}


@pytest.mark.parametrize("name", ALL if "TIDEWRIGHT_ROUNDS" in os.environ else KILLED)
def test_exact_after_a_kill(bank: Bank, name: str) -> None:
    before = bank.service(name)
    bank.kill(name)
    bank.wait_restarted(name, before, 300)
    bank.wait_well(300)
    exact(bank)


def test_it_goes_on_after_stop_and_up(bank: Bank) -> None:
    assert bank.run("stop", "--env", "native").returncode == 0
    done = bank.run("up", "native", "--timeout", str(START), seconds=START + 60)
    assert done.returncode == 0, done.stderr
    exact(bank)


def test_no_secret_is_in_a_rendered_file_or_an_argument(bank: Bank) -> None:
    values = {f.read_text().strip() for f in (bank.root / "secrets").iterdir() if f.is_file()} - {
        ""
    }
    rendered = [p for p in (bank.root / "config").rglob("*") if p.is_file()]
    texts = [p.read_text(errors="replace") for p in (*rendered, bank.root / "services.json")]
    for process in bank.processes():
        texts += [" ".join(process.cmdline()), str(process.environ())]
    logs = [p.read_text(errors="replace") for p in (bank.root / "logs").iterdir() if p.is_file()]
    found = [v for v in values for text in (*texts, *logs) if len(v) > 8 and v in text]
    assert not found, f"{len(found)} secrets were seen"
