"""SQL and fold of every question agree on small tables, and differ when the rows do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tidewright.clients import duckdb as ducks
from tidewright.model import flow
from tidewright.operations.bench.guided import asking, lake, marts

DAY = datetime(2026, 1, 30, tzinfo=UTC)


def at(number: int) -> datetime:
    return DAY + timedelta(hours=7 * number)


def line(number: int) -> str:
    found = f'{{"user_id": "u{number % 5}", "country": "C{number % 2}", "age": {20 + number}}}'
    return {0: found[:9], 1: found.replace(str(20 + number), '"unknown"')}.get(number, found)


LAKE: dict[str, list[dict[str, Any]]] = {
    "bank.users": [{"id": n, "created_at": at(n)} for n in range(9)],
    "bank.accounts": [
        {"user_id": n % 11, "kind": "ab"[n % 2], "balance": Decimal(n) / 4} for n in range(20)
    ],
    "raw_data.accounts": [{"_lsn": n // 2, "_seq": n, "op": "u", "ts_ms": n} for n in range(30)],
    "raw.meters": [{"meter_id": n, "model": "ab"[n % 2], "patient": f"P{n}"} for n in range(4)],
    "raw.glucose_entries": [
        {"entry_id": n, "batch": 1, "meter_id": n % 5, "read_at": at(n), "mg_dl": n + 0.1}
        for n in range(20)
    ],
    "clickstream.sessions": [
        {"session_id": f"s{n}", "visitor_id": f"v{n % 3}", "first_device": "ab"[n % 2],
         "started_at": at(n * 3), "ended_at": at(n * 3 + 5)}
        for n in range(6)
    ],
    "clickstream.events": [
        {"topic_offset": n, "visitor_id": f"v{n % 4}", "at": at(n),
         "kind": "vc"[n % 2], "page": "/"}
        for n in range(18)
    ],
    "bronze.orders": [
        {"id": n % 7, "_seq": n, "customer_id": n % 3, "placed_at": at(n % 7),
         "status": "cancelled" if n == 9 else "paid"}
        for n in range(12)
    ],
    "bronze.order_items": [
        {"id": n, "_seq": n, "order_id": n % 8, "product_id": n % 4, "quantity": n,
         "amount": Decimal(n) / 2}
        for n in range(30)
    ],
    "bronze.products": [{"id": n, "category": "ab"[n % 2]} for n in range(3)],
    "raw_data.users_topic": [
        {"topic_offset": n, "key": f"u{n}" if n % 3 else None, "value": line(n)} for n in range(40)
    ],
}  # fmt: skip
MARTS: dict[str, list[dict[str, Any]]] = {
    "daily_balances": [
        {"opened_on": date(2026, 1, n), "accounts": n, "balance": Decimal(n) / 3}
        for n in range(1, 20)
    ],
    "top_accounts": [
        {"place": n, "customer_name": f"c{n % 6}", "kind": "ab"[n % 2], "balance": Decimal(9)}
        for n in range(12)
    ],
    "customer_activity": [{"active_hour": None, "accounts": 1}],
}  # fmt: skip
COMPLEX = [(name, q) for name, found in lake.QUESTIONS.items() for q in found]


def duck(tables: dict[str, list[dict[str, Any]]]) -> Any:
    found = ducks.connect(threads=1)
    found.execute("set timezone = 'UTC'")
    for name, rows in tables.items():
        schema, _, short = name.rpartition(".")
        found.register(f"_{short}", pa.Table.from_pylist(rows))
        if schema:
            found.execute(f"create schema if not exists {schema}")
        found.execute(f"create table {name} as select * from _{short}")
    return found


@pytest.fixture(scope="module")
def of_lake() -> Any:
    with duck(LAKE) as found:
        yield found


@pytest.mark.parametrize(("platform", "question"), COMPLEX)
def test_a_question_to_the_lake_has_one_answer_in_sql_and_in_python(
    of_lake: Any, platform: str, question: asking.Question
) -> None:
    def rows(name: str) -> Sequence[asking.Row]:
        wanted = question.columns[name]
        return [{c: row[c] for c in wanted} for row in LAKE[name]]

    given, again = of_lake.execute(question.sql).fetchall(), question.again(rows)
    assert len(given) > 1
    assert asking.plain(given) == asking.plain(again)
    fewer = question.again(lambda name: rows(name)[:-3])
    assert asking.plain(given) != asking.plain(fewer)


def test_questions_to_marts_and_charts_have_one_answer_in_sql_and_in_python() -> None:
    charts = (
        flow.Chart("a", "daily_balances", "line", "opened_on", "balance"),
        flow.Chart("b", "top_accounts", "bar", "customer_name", "balance"),
        flow.Chart("c", "customer_activity", "table"),
        flow.Chart("d", "daily_balances", "number", y="balance"),
    )
    questions = (*marts.QUESTIONS["bank-cdc"], *map(marts.drawn, charts))
    with duck(MARTS) as found:
        for question in questions:
            seen = asking.Asked()
            given = found.execute(question.sql).fetchall()
            seen.judge(question.name, given, question.again(MARTS.__getitem__))
            assert (seen.answers, seen.wrong) == (1, []), question.name
            seen.judge(question.name, given, question.again(lambda name: MARTS[name][:-1]))
            assert seen.wrong, question.name


def test_the_class_of_a_question_is_by_its_rows() -> None:
    simple, medium = marts.QUESTIONS["bank-cdc"][0], marts.QUESTIONS["bank-cdc"][2]
    report = lake.QUESTIONS["bank-cdc"][1]
    assert [asking.fits(simple, n) for n in (1, 9, 10)] == [True, True, False]
    assert [asking.fits(medium, n) for n in (9, 10, 1000, 1001)] == [False, True, True, False]
    assert [asking.fits(report, n) for n in (10_000, 10_001)] == [False, True]
