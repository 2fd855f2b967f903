"""What must hold of a lake that engines wrote: each change once, and its replay gives the keys."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from tidewright.model import acts
from tidewright.pipelines.compare import tables
from tidewright.pipelines.decode import rawrows


def invariants(
    duck: duckdb.DuckDBPyConnection, raw: str, current: str, key: Sequence[str]
) -> tuple[acts.Invariant, ...]:
    """What must hold between a raw table and the current state made from the same topic."""
    return (once(duck, raw, key), replays(duck, raw, current, key))


def replays(
    duck: duckdb.DuckDBPyConnection, raw: str, current: str, key: Sequence[str]
) -> acts.Invariant:
    """The last changes of all keys, deletes aside, are exactly the keys of current state.

    A key stays in one partition of its topic, and there the offset says what came last.
    """
    names = [tables.quoted(rawrows.raw_name(name)) for name in key]
    shown = ", ".join(f"{r} as {tables.quoted(k)}" for r, k in zip(names, key, strict=True))
    alive = (
        f"select {shown} from {tables.relation(raw)} qualify row_number() over (partition by"
        f" {', '.join(names)} order by _seq desc) = 1 and op <> 'd'"
    )
    state = f"select {', '.join(map(tables.quoted, key))} from {tables.relation(current)}"
    counts = [
        int(str(duck.execute(f"select count(*) from ({a} except {b})").fetchall()[0][0]))
        for a, b in ((alive, state), (state, alive))
    ]
    detail = f"{counts[0]} keys only in the replayed log, {counts[1]} only in {current}"
    return acts.Invariant(f"{raw} replays to {current}", counts == [0, 0], detail)


def once(duck: duckdb.DuckDBPyConnection, raw: str, key: Sequence[str]) -> acts.Invariant:
    """No change is in the raw table twice: neither its place in the topic, nor its place in the
    source. A change of a key is two events of one place, a delete and an insert.
    """
    log = tables.relation(raw)
    names = [tables.quoted(rawrows.raw_name(name)) for name in key]
    ways = ["_partition, _seq", ", ".join(["_lsn", "op", *names])]
    twice = [
        int(
            str(
                duck.execute(f"select count(*) - count(distinct ({way})) from {log}").fetchall()[0][
                    0
                ]
            )
        )
        for way in ways
    ]
    detail = f"{max(twice)} changes are there twice"
    return acts.Invariant(f"{raw}: each change once", not any(twice), detail)
