"""What is read from Debezium's messages, as it writes them (3.6, JSON without schemas)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tidewright.pipelines.record import events
from tidewright.pipelines.record.boundaries import Between, Boundaries, Cut, Not

TABLES = {"dbserver1.bank.accounts": "bank.accounts", "dbserver1.bank.users": "bank.users"}
ENDS = "dbserver1.transaction"
ACCOUNTS, USERS, END = ("dbserver1.bank.accounts", 3), ("dbserver1.bank.users", 0), (ENDS, 0)


def change(transaction: str | None, lsn: int = 7, snapshot: str = "false") -> bytes:
    told = {"id": transaction, "total_order": 1, "data_collection_order": 1}
    source = {"lsn": lsn, "ts_ms": 1234, "snapshot": snapshot, "txId": 571}
    event: dict[str, Any] = {"op": "u", "before": {}, "after": {}, "source": source}
    return json.dumps(event | {"transaction": told if transaction else None}).encode()


def end(transaction: str, **counts: int) -> bytes:
    collections = [
        {"data_collection": f"bank.{table}", "event_count": n} for table, n in counts.items()
    ]
    total = sum(counts.values())
    told = {"status": "END", "id": transaction, "event_count": total, "ts_ms": 1}
    return json.dumps(told | {"data_collections": collections}).encode()


def begin(transaction: str) -> bytes:
    return json.dumps({"status": "BEGIN", "id": transaction, "event_count": None}).encode()


def test_a_transaction_over_two_topics() -> None:
    known = Boundaries()
    read = events.Events(TABLES, ENDS, known)
    read.take(END, 10, begin("571:880"))
    read.take(ACCOUNTS, 0, change("571:880"))  # each change bears an LSN of its own there
    read.take(END, 11, end("571:900", accounts=1, users=1, other=5))
    read.take(USERS, 0, change("571:890"))
    stood = {ACCOUNTS: 1, USERS: 1}
    assert known.judge(Between(stood, stood)) == Cut(
        900, 12, {ACCOUNTS[0]: 1, USERS[0]: 1}, (1234,)
    )


def test_a_transaction_of_other_tables_is_nothing() -> None:
    known = Boundaries()
    read = events.Events(TABLES, ENDS, known)
    read.take(END, 0, end("571:900", other=5))
    read.take(ACCOUNTS, 0, None)
    stood = {ACCOUNTS: 1}
    assert known.judge(Between(stood, stood)) == Cut(0, 0, {}, ())


@pytest.mark.parametrize(
    ("told", "over"),
    [
        (change(None, snapshot="first"), False),
        (change(None, snapshot="last"), True),
        (end("571:900", accounts=1), True),
        (begin("571:900"), False),
    ],
)
def test_the_first_copy_ends_with_its_last_row_or_with_a_transaction(
    told: bytes, over: bool
) -> None:
    known = Boundaries()
    known.expect_first_copy()
    read = events.Events(TABLES, ENDS, known)
    read.take(ACCOUNTS if b"op" in told else END, 0, told)
    assert read.copied is over


def test_rows_of_the_first_copy_have_no_transaction() -> None:
    known = Boundaries()
    known.expect_first_copy()
    read = events.Events(TABLES, ENDS, known)
    read.take(ACCOUNTS, 0, change(None, snapshot="first"))
    read.take(USERS, 0, change(None, lsn=9, snapshot="last"))
    stood = {ACCOUNTS: 1, USERS: 1}
    assert known.judge(Between(stood, stood)) is Not.UNSEEN
    known.end_first_copy(stood)
    assert known.judge(Between(stood, stood)) == Cut(9, 0, {ACCOUNTS[0]: 1, USERS[0]: 1}, (1234,))
