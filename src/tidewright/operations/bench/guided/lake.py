"""Questions to the lake, one complex and one large per platform, each folded again in Python.

DuckDB answers the SQL over one pinned commit. The plain rows of the same commit come from another
reader (PyIceberg, or PyArrow for Delta), and no SQL takes part in the second answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import orjson

from tidewright.operations.bench.guided.asking import Answer, Question, Row, Tables


def fold(
    rows: Iterable[Any], key: Callable[[Any], tuple[Hashable, ...]],
    start: Callable[[], list[Any]], add: Callable[[list[Any], Any], None],
    end: Callable[[list[Any]], tuple[Any, ...]],
) -> Answer:  # fmt: skip
    """Group and add up."""
    found: dict[tuple[Hashable, ...], list[Any]] = defaultdict(start)
    for row in rows:
        add(found[key(row)], row)
    return [(*k, *end(v)) for k, v in found.items()]


def _rows(table: str, *columns: str) -> Callable[[Tables], Answer]:
    """In the order of the first two columns, which tell the rows apart."""
    return lambda tables: sorted(
        (tuple(row[c] for c in columns) for row in tables(table)), key=lambda row: row[:2]
    )


# --- bank-cdc: accounts beside their owners, by kind and month of sign-up

_BANK = """
select a.kind, strftime(u.created_at, '%Y-%m') as month, count(*), count(distinct a.user_id),
  sum(a.balance), max(a.balance)
from bank.accounts a join bank.users u on u.id = a.user_id group by 1, 2
"""


def _bank(tables: Tables) -> Answer:
    since = {u["id"]: u["created_at"].strftime("%Y-%m") for u in tables("bank.users")}

    def add(found: list[Any], row: Row) -> None:
        found[0].add(row["user_id"])
        found[1].append(row["balance"])

    return fold(
        (a for a in tables("bank.accounts") if a["user_id"] in since),
        lambda a: (a["kind"], since[a["user_id"]]), lambda: [set(), []], add,
        lambda found: (len(found[1]), len(found[0]), sum(found[1]), max(found[1])),
    )  # fmt: skip


# --- branching-lakehouse: readings beside their meters, by model and day

_READINGS = """
select m.model, strftime(e.read_at, '%Y-%m-%d') as day, count(*), count(distinct m.patient),
  sum(cast(round(e.mg_dl * 10) as bigint)), max(e.mg_dl)
from raw.glucose_entries e join raw.meters m using (meter_id) group by 1, 2
"""


def _readings(tables: Tables) -> Answer:
    meters = {m["meter_id"]: m for m in tables("raw.meters")}

    def add(found: list[Any], row: Row) -> None:
        found[0].add(meters[row["meter_id"]]["patient"])
        found[1].append(float(row["mg_dl"]))

    return fold(
        (e for e in tables("raw.glucose_entries") if e["meter_id"] in meters),
        lambda e: (meters[e["meter_id"]]["model"], e["read_at"].strftime("%Y-%m-%d")),
        lambda: [set(), []], add,
        lambda found: (
            len(found[1]), len(found[0]), sum(round(v * 10) for v in found[1]), max(found[1])
        ),
    )  # fmt: skip


# --- clickstream: events within sessions, by the device that a session began with, and kind

_VISITS = """
select s.first_device, e.kind, count(*), count(distinct s.session_id)
from clickstream.events e join clickstream.sessions s
  on e.visitor_id = s.visitor_id and e.at between s.started_at and s.ended_at
group by 1, 2
"""


def _visits(tables: Tables) -> Answer:
    sessions: dict[str, list[Row]] = defaultdict(list)
    for one in tables("clickstream.sessions"):
        sessions[one["visitor_id"]].append(one)
    joined = (
        (session, event)
        for event in tables("clickstream.events")
        for session in sessions.get(event["visitor_id"], ())
        if session["started_at"] <= event["at"] <= session["ended_at"]
    )

    def add(found: list[Any], pair: tuple[Row, Row]) -> None:
        found[0] += 1
        found[1].add(pair[0]["session_id"])

    return fold(
        joined, lambda p: (p[0]["first_device"], p[1]["kind"]), lambda: [0, set()], add,
        lambda found: (found[0], len(found[1])),
    )  # fmt: skip


# --- elt-lakehouse: what was sold, by category and month, from the newest version of each record

_SALES = """
with o as (select * from bronze.orders
           qualify row_number() over (partition by id order by _seq desc) = 1),
i as (select * from bronze.order_items
      qualify row_number() over (partition by id order by _seq desc) = 1)
select p.category, strftime(o.placed_at, '%Y-%m') as month, count(*), sum(i.quantity),
  sum(i.amount), count(distinct o.customer_id)
from i join o on o.id = i.order_id join bronze.products p on p.id = i.product_id
where o.status <> 'cancelled' group by 1, 2
"""


def _newest(rows: Iterable[Row]) -> dict[Any, Row]:
    found: dict[Any, Row] = {}
    for row in rows:
        if row["id"] not in found or found[row["id"]]["_seq"] < row["_seq"]:
            found[row["id"]] = row
    return found


def _sales(tables: Tables) -> Answer:
    orders, items = _newest(tables("bronze.orders")), _newest(tables("bronze.order_items"))
    category = {p["id"]: p["category"] for p in tables("bronze.products")}
    sold = (
        (orders[i["order_id"]], i) for i in items.values()
        if i["order_id"] in orders and i["product_id"] in category
        and orders[i["order_id"]]["status"] != "cancelled"
    )  # fmt: skip

    def add(found: list[Any], pair: tuple[Row, Row]) -> None:
        found[0].append(pair[1])
        found[1].add(pair[0]["customer_id"])

    return fold(
        sold, lambda p: (category[p[1]["product_id"]], p[0]["placed_at"].strftime("%Y-%m")),
        lambda: [[], set()], add,
        lambda found: (
            len(found[0]), sum(i["quantity"] for i in found[0]),
            sum(i["amount"] for i in found[0]), len(found[1]),
        ),
    )  # fmt: skip


# --- user-events: users and events by country and decade of age, out of the events as they came

_PEOPLE = """
with e as (
  select value ->> 'country' as country, value ->> 'user_id' as user_id,
    try_cast(value ->> 'age' as integer) as age
  from raw_data.users_topic where json_valid(value)
)
select country, age // 10 as decade, count(*), count(distinct user_id) from e
where country is not null and user_id is not null and age is not null group by 1, 2
"""


def _people(tables: Tables) -> Answer:
    def add(found: list[Any], event: Row) -> None:
        found[0] += 1
        found[1].add(event["user_id"])

    wanted = ("country", "user_id", "age")
    events = (e for r in tables("raw_data.users_topic") if (e := _event(r["value"])))
    return fold(
        (e for e in events if all(e.get(n) is not None for n in wanted) and e["age"] != "unknown"),
        lambda e: (e["country"], e["age"] // 10), lambda: [0, set()], add,
        lambda found: (found[0], len(found[1])),
    )  # fmt: skip


def _event(text: str) -> Row | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _complex(
    sql: str, again: Callable[[Tables], Answer], columns: Mapping[str, tuple[str, ...]]
) -> Question:
    return Question("complex analytics", "complex", sql, tuple(columns), again, columns)


def _report(table: str, *columns: str) -> Question:
    text = f"select {', '.join(columns)} from {table} order by 1, 2"  # noqa: S608  names of our examples
    return Question(
        f"all rows of {table}", "report", text, (table,), _rows(table, *columns), {table: columns}
    )


QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "bank-cdc": (
        _complex(_BANK, _bank, {"bank.users": ("id", "created_at"),
                                "bank.accounts": ("user_id", "kind", "balance")}),
        _report("raw_data.accounts", "_lsn", "_seq", "op", "ts_ms"),
    ),
    "branching-lakehouse": (
        _complex(_READINGS, _readings, {"raw.meters": ("meter_id", "model", "patient"),
                                        "raw.glucose_entries": ("meter_id", "read_at", "mg_dl")}),
        _report("raw.glucose_entries", "entry_id", "batch", "meter_id", "mg_dl"),
    ),
    "clickstream": (
        _complex(_VISITS, _visits, {
            "clickstream.sessions": (
                "session_id", "visitor_id", "started_at", "ended_at", "first_device"),
            "clickstream.events": ("visitor_id", "at", "kind")}),
        _report("clickstream.events", "topic_offset", "visitor_id", "kind", "page"),
    ),
    "elt-lakehouse": (
        _complex(_SALES, _sales, {
            "bronze.orders": ("id", "_seq", "customer_id", "status", "placed_at"),
            "bronze.order_items": ("id", "_seq", "order_id", "product_id", "quantity", "amount"),
            "bronze.products": ("id", "category")}),
        _report("bronze.order_items", "id", "_seq", "order_id", "amount"),
    ),
    "user-events": (
        _complex(_PEOPLE, _people, {"raw_data.users_topic": ("value",)}),
        _report("raw_data.users_topic", "topic_offset", "key", "value"),
    ),
}  # fmt: skip
