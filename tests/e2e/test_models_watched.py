"""``models/`` is watched: changed, added, removed, broken and mended while the bank runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bank import Bank

pytestmark = pytest.mark.heavy
TOP = "models/marts/top_accounts.sql"


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    with Bank() as found:
        found.up("--timeout", "300")
        says(found, "the marts show commit", 120)
        yield found


def says(bank: Bank, words: str, seconds: float) -> None:
    def told(status: dict[str, Any]) -> bool:
        return any(words in s["message"] for s in status["services"] if s["name"] == "refresh")

    bank.wait(f"refresh says {words!r}", told, seconds)


def edit(bank: Bank, old: str, new: str) -> None:
    file = Path(bank.folder) / TOP
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_model_is_rebuilt_when_it_changes_and_kept_while_it_is_broken(bank: Bank) -> None:
    edit(bank, "limit 100", "limit 7")
    says(bank, f"{TOP} changed: top_accounts: 100 -> 7 rows", 90)
    assert bank.marts("select count(*) from marts.top_accounts") == [(7,)]

    edit(bank, "limit 7", "limmit 9")
    says(bank, "top_accounts.sql:", 90)
    assert bank.status()["state"] == "degraded"
    assert bank.marts("select count(*) from marts.top_accounts") == [(7,)]

    edit(bank, "limmit 9", "limit 9")
    says(bank, f"{TOP} changed: top_accounts: 7 -> 9 rows", 90)
    assert "top_accounts: 100 -> 7 rows" in bank.run("logs", "refresh").stdout


def test_a_file_that_comes_and_goes_is_told(bank: Bank) -> None:
    new = Path(bank.folder) / "models/marts/owners.sql"
    new.write_text("select customer_id from {{ ref('customer_accounts') }}\n")
    says(bank, "models/marts/owners.sql added", 90)
    new.unlink()
    says(bank, "models/marts/owners.sql removed", 90)
