"""What must hold of a lake that engines wrote: each change once, and its replay gives the keys."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from tidewright.model import acts
from tidewright.pipelines.compare import rawlog, tables
from tidewright.pipelines.decode import rawrows

# A key stays in one partition of its topic, and there the offset says what came last.
BY_OFFSET = rawlog.Order("_seq", "-1")


def invariants(
    duck: duckdb.DuckDBPyConnection, raw: str, current: str, key: Sequence[str]
) -> tuple[acts.Invariant, ...]:
    """What must hold between a raw table and the current state made from the same topic."""
    return (once(duck, raw, key), rawlog.replays(duck, raw, current, key, BY_OFFSET))


def once(duck: duckdb.DuckDBPyConnection, raw: str, key: Sequence[str]) -> acts.Invariant:
    """No change is in the raw table twice: neither its place in the topic, nor its place in the
    source. A change of a key is two events of one place, a delete and an insert.
    """
    log = tables.relation(raw)
    names = [tables.quoted(rawrows.raw_name(name)) for name in key]
    ways = ["_partition, _seq", ", ".join(["_lsn", "op", *names])]
    counts = ", ".join(f"count(*) - count(distinct ({way}))" for way in ways)
    (found,) = duck.execute(f"select {counts} from {log}").fetchall()
    twice = max(int(str(one)) for one in found)
    return acts.Invariant(
        f"{raw}: each change once", twice == 0, f"{twice} changes are there twice"
    )
