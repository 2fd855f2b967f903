"""The bank on the real engines, as plain processes: exact in Trino, also after engines were killed.

Models, checks and marts run on Trino, on checkpoints that are moments of the source.
Fetches 1.2 GB of programs once (they stay in the cache of the account) and needs 4.5 GB of memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.e2e.bank import Bank
from tidewright.clients import postgres
from tidewright.model import codec, native

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


def commits(bank: Bank) -> list[tuple[int, int, dict[str, dict[str, object]]]]:
    """What was recorded: number, changes and tables, oldest first."""
    file = bank.root / "config" / "record" / "job.json"
    job = codec.loads(native.RecordJob, file.read_text())
    with postgres.connect(job.catalog, str(job.secrets)) as conn:
        return conn.execute(
            "select id, changes, tables from tidewright_commits order by 1"
        ).fetchall()


def later(bank: Bank) -> int:
    """The number of a commit that was made from now on."""
    before = commits(bank)[-1][0]
    bank.wait("a new commit", lambda _: commits(bank)[-1][0] > before + 1, 120)
    return commits(bank)[-1][0]


def test_a_killed_recorder_goes_on_where_it_stood(bank: Bank) -> None:
    """Every change counts in one commit, also in those that come after."""
    later(bank)
    before = bank.service("record")
    bank.kill("record")
    bank.wait_restarted("record", before, 60)
    later(bank)
    found = commits(bank)
    raw = [str(found[-1][2][f"raw_data.{name}"]["snapshot"]) for name in ("users", "accounts")]
    rows = asked(
        bank,
        f"select (select count(*) from raw_data.users for version as of {raw[0]})"
        f" + (select count(*) from raw_data.accounts for version as of {raw[1]}) as n",
    )
    assert rows[0]["n"] == sum(changes for _, changes, _ in found)


def test_every_commit_is_a_moment_of_the_source(bank: Bank) -> None:
    """No half of a transfer, no account before its owner, in the first, the last and some between.

    The first may have been forgotten by the care of tables, which keeps ten minutes.
    """
    found = commits(bank)
    for _, _, tables in (*found[-40:-1:8], found[-1]):
        of = {name: str(tables[f"bank.{name}"]["snapshot"]) for name in ("users", "accounts")}
        rows = asked(
            bank,
            "select count(*) as n, sum(a.balance) as total, count_if(u.id is null) as alone"
            f" from bank.accounts for version as of {of['accounts']} a"
            f" left join bank.users for version as of {of['users']} u on u.id = a.user_id",
        )
        assert int(str(rows[0]["n"])) > 100
        assert float(str(rows[0]["total"])) == 10_000_000_000 and rows[0]["alone"] == 0


def test_marts_are_published_from_such_commits(bank: Bank) -> None:
    least = later(bank)
    file = bank.root / "run" / "refresh.json"

    def shown() -> int:
        told = json.loads(file.read_text())
        words = str(told["message"]).partition(";")[0].split()
        return int(words[-1]) if told["state"] == "running" and words[-1].isdigit() else 0

    bank.wait("marts of a new commit", lambda _: shown() >= least, 240)
    told = json.loads(file.read_text())
    assert len(told["checks"]) > 5 and all(check["ok"] for check in told["checks"])
    assert bank.marts("select count(*) from marts.top_accounts") == [(100,)]
    (row,) = bank.marts("select sum(accounts), sum(customers) from marts.daily_balances")
    assert row[0] > 1000


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
