"""A file of the user's beside a captured bank: added, loaded, changed, killed, and never wrong."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.e2e.bank import Bank

pytestmark = [pytest.mark.heavy, pytest.mark.e2e]
SECONDS = 60.0
SQL = "select count(*) as n, sum(total)::varchar as total from files.orders"


def ask(bank: Bank, sql: str) -> list[dict[str, object]]:
    done = bank.run("query", sql, "-o", "json")
    return list(json.loads(done.stdout)["rows"]) if done.returncode == 0 else []


def until(found: Callable[[], object], expected: object) -> None:
    end = time.monotonic() + SECONDS
    while (seen := found()) != expected:
        assert time.monotonic() < end, f"{seen} is not {expected}"
        time.sleep(0.5)


def append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def test_a_file_is_in_the_lake_as_it_is_on_the_disk() -> None:
    with Bank() as bank:
        orders = bank.folder / "orders.csv"
        orders.write_text("id,total\n1,2.50\n2,3.00\n")
        assert bank.run("add", "source", "orders.csv", "--every", "1s").returncode == 0
        bank.up()
        until(lambda: ask(bank, SQL), [{"n": 2, "total": "5.50"}])

        append(orders, "3,4.25\n")
        until(lambda: ask(bank, SQL), [{"n": 3, "total": "9.75"}])

        pid = bank.service("load-files")["pid"]
        os.kill(pid, signal.SIGKILL)
        orders.write_text("id,total\n1,2.50\n3,4.25\n")
        until(lambda: ask(bank, SQL), [{"n": 2, "total": "6.75"}])

        append(orders, "4,many\n")
        until(lambda: "line 4: total is 'many'" in bank.message("load-files"), True)
        assert ask(bank, SQL) == [{"n": 2, "total": "6.75"}]
        orders.write_text("id,total\n1,2.50\n")
        until(lambda: ask(bank, SQL), [{"n": 1, "total": "2.50"}])

        pq.write_table(pa.table({"id": [7], "tags": [["a"]]}), bank.folder / "items.parquet")
        assert bank.run("add", "source", "items.parquet").returncode == 0
        bank.up()
        until(lambda: ask(bank, "select id, tags from files.items"), [{"id": 7, "tags": '["a"]'}])
        bank.exact()
