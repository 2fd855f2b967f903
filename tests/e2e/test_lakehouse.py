"""The example with branches as a user runs it: a bad batch, a killed runner, a branch by hand."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.e2e.bank import Bank

pytestmark = pytest.mark.heavy


def test_a_bad_batch_stays_on_its_branch_and_main_goes_on_after_its_correction() -> None:
    with Bank("branching-lakehouse") as lake:
        lake.up()
        lake.wait("marts", lambda status: rows(lake), 120)
        red = wait_red(lake)
        assert "mg_dl" in branch(lake, red)["message"]  # which column did not pass, and how
        bad = "select count(*) as n from raw.glucose_entries where mg_dl < 20"
        assert answer(lake, bad, "--ref", red) == 1
        assert answer(lake, bad) == 0
        assert lake.run("branch", "merge", red).returncode == 4
        lake.exact()
        lake.kill("ingest")
        lake.wait_well(180)
        lake.exact()
        assert lake.run("branch", "drop", red).returncode == 0
        assert red not in lake.run("branch", "list").stdout


def rows(lake: Bank) -> bool:
    done = lake.run("query", "select count(*) from raw.glucose_entries")
    if done.returncode != 0:
        return False
    try:
        return bool(lake.marts("select 1 from marts.glucose_daily limit 1"))
    except psycopg.errors.UndefinedTable:  # not published yet
        return False


def wait_red(lake: Bank) -> str:
    def look(status: dict[str, Any]) -> str | None:
        found = json.loads(lake.run("branch", "list", "-o", "json").stdout)["branches"]
        return next((b["name"] for b in found if b["state"] == "red"), None)

    lake.wait("a red branch", look, 120)
    return look({}) or ""


def branch(lake: Bank, name: str) -> dict[str, Any]:
    found = json.loads(lake.run("branch", "list", "-o", "json").stdout)["branches"]
    return next(dict(b) for b in found if b["name"] == name)


def answer(lake: Bank, sql: str, *words: str) -> int:
    done = lake.run("query", sql, *words, "-o", "json")
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["rows"][0]["n"])
