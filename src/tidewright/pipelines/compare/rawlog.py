"""The raw log against the current state: every change once, and its replay gives the same keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from tidewright.model import acts
from tidewright.pipelines.compare import tables
from tidewright.pipelines.decode import rawrows


@dataclass(frozen=True, slots=True)
class Order:
    """What orders the changes of one key, as SQL, and a place before the first of them."""

    place: str
    before_all: str


# Rows of the first copy carry its point as their LSN, and a transaction whose commit record begins
# right there comes after all of them, whatever their ordinals are.
BY_LSN = Order("(_lsn, op <> 'r', _seq)", "(-1, false, -1)")


def invariants(
    duck: duckdb.DuckDBPyConnection, raw: str, current: str, key: Sequence[str]
) -> tuple[acts.Invariant, ...]:
    """What must hold between a raw table and the current state made from the same changes."""
    columns = {str(row[0]) for row in duck.execute(f"describe {tables.relation(raw)}").fetchall()}
    found = [once(duck, raw)]
    if columns >= {rawrows.raw_name(name) for name in key}:
        found.append(replays(duck, raw, current, key))
    return tuple(found)


def once(duck: duckdb.DuckDBPyConnection, raw: str) -> acts.Invariant:
    """No change is in the raw table twice. The place of a change is its commit LSN and ordinal."""
    rows = duck.execute(
        "select count(*) from (select 1 from "
        f"{tables.relation(raw)} group by source_table, _lsn, _seq, op having count(*) > 1)"
    ).fetchall()
    twice = int(str(rows[0][0]))
    detail = f"{twice} changes are there twice"
    return acts.Invariant(f"{raw}: each change once", twice == 0, detail)


def replays(
    duck: duckdb.DuckDBPyConnection,
    raw: str,
    current: str,
    key: Sequence[str],
    order: Order = BY_LSN,
) -> acts.Invariant:
    """The last changes of all keys, deletes aside, are exactly the keys of current state."""
    raw_key = [rawrows.raw_name(name) for name in key]
    mine = ", ".join(map(tables.quoted, key))
    pairs = zip(raw_key, key, strict=True)
    theirs = ", ".join(f"{tables.quoted(r)} as {tables.quoted(k)}" for r, k in pairs)
    names = ", ".join(map(tables.quoted, raw_key))
    log = tables.relation(raw)
    alive = (
        f"select {theirs} from {log} where op <> 't' and {order.place} > coalesce("
        f"(select max({order.place}) from {log} where op = 't'), {order.before_all})"
        f" qualify row_number() over (partition by {names} order by {order.place} desc) = 1"
        " and op <> 'd'"
    )
    state = f"select {mine} from {tables.relation(current)}"
    counts = [
        int(str(duck.execute(f"select count(*) from ({a} except {b})").fetchall()[0][0]))
        for a, b in ((alive, state), (state, alive))
    ]
    detail = f"{counts[0]} keys only in the replayed log, {counts[1]} only in {current}"
    return acts.Invariant(f"{raw} replays to {current}", counts == [0, 0], detail)
