"""Questions to the marts: what dashboards and people ask a PostgreSQL, per platform.

Three makers give both sides, SQL for the server and a fold in Python over the mart's plain rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tidewright.model import flow
from tidewright.operations.bench.guided.asking import Answer, Question, Size, Tables


def total(mart: str, *columns: str) -> Question:
    """How many rows a mart has, and what these columns add up to."""
    sums = ", ".join(f"sum({c})" for c in columns)

    def again(tables: Tables) -> Answer:
        rows = tables(mart)
        return [(len(rows), *(sum(r[c] for r in rows if r[c] is not None) for c in columns))]

    text = f"select count(*), {sums} from {mart}"  # noqa: S608  names of our examples
    return Question(f"total of {mart}", "simple", text, (mart,), again)


def grouped(mart: str, key: str, value: str, size: Size = "medium") -> Question:
    """``value`` added up by ``key``, as a line or a bar shows it."""
    text = f"select {key}, sum({value}) from {mart} where {key} is not null group by 1 order by 1"  # noqa: S608  the same

    def again(tables: Tables) -> Answer:
        found: dict[Any, Any] = defaultdict(int)
        for row in tables(mart):
            if row[key] is not None:
                found[row[key]] += row[value] or 0
        return list(found.items())

    return Question(f"{value} by {key} of {mart}", size, text, (mart,), again)


def listing(mart: str, *columns: str) -> Question:
    """A whole mart, in the order of the first column."""
    text = f"select {', '.join(columns)} from {mart} order by 1"  # noqa: S608  the same

    def again(tables: Tables) -> Answer:
        return [tuple(row[c] for c in columns) for row in tables(mart)]

    return Question(f"list of {mart}", "medium", text, (mart,), again)


QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "bank-cdc": (
        total("daily_balances", "accounts", "balance"),
        grouped("top_accounts", "kind", "balance", "simple"),
        listing("daily_balances", "opened_on", "accounts", "balance"),
        listing("top_accounts", "place", "customer_name", "balance"),
    ),
    "branching-lakehouse": (
        total("glucose_daily", "readings"),
        grouped("meter_health", "model", "readings", "simple"),
        listing("time_in_range", "patient", "below", "in_range", "above"),
        listing("meter_health", "meter_id", "model", "readings"),
    ),
    "clickstream": (
        total("pages_per_minute", "events", "buys"),
        grouped("devices_per_minute", "device", "events", "simple"),
        grouped("pages_per_minute", "page", "events"),
    ),
    "elt-lakehouse": (
        total("daily_revenue", "orders", "revenue"),
        grouped("customer_value", "segment", "orders", "simple"),
        listing("daily_revenue", "placed_on", "orders", "revenue"),
        grouped("best_sellers", "product_name", "units"),
    ),
    "user-events": (
        total("created_users", "users"),
        total("users_by_country", "users"),
        listing("users_by_country", "country", "users", "average_age"),
    ),
}


def drawn(chart: flow.Chart) -> Question:
    """What a dashboard asks to draw one chart of the file."""
    name = f"chart {chart.name}"
    if chart.kind == "number":
        return _named(name, _number(chart.mart, str(chart.y)))
    if chart.kind == "table":
        return Question(
            name, "chart", f"select * from {chart.mart}", (chart.mart,),  # noqa: S608  the same
            lambda tables: [tuple(row.values()) for row in tables(chart.mart)],
        )  # fmt: skip
    return _named(name, grouped(chart.mart, str(chart.x), str(chart.y)))


def _number(mart: str, column: str) -> Question:
    def again(tables: Tables) -> Answer:
        found = [row[column] for row in tables(mart) if row[column] is not None]
        return [(sum(found) if found else None,)]

    text = f"select sum({column}) from {mart}"  # noqa: S608  the same
    return Question(column, "simple", text, (mart,), again)


def _named(name: str, found: Question) -> Question:
    return replace(found, name=name, size="chart")
