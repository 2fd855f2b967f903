"""One micro-batch: the events of a topic from a position on, as a table of DuckDB.

A batch ends where a transaction ends, so that its end is a position like any other. Events are in
the order of the source's commits, which is that of their offsets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import duckdb

from tidewright.pipelines.lake import between, reader

MOST = 50_000
COLUMNS = ("topic_offset", "at", "key", "value")
_TAKE = "create or replace table taken as {}"
_EMPTY = """
create or replace table batch (
  topic_offset bigint, appended_at timestamptz, key varchar, value varchar)
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """``taken``: up to where events are in the table ``batch`` of DuckDB, how many, and ages."""

    taken: between.Span
    events: int
    newest_ms: int | None = None
    oldest_ms: int | None = None


def empty(duck: duckdb.DuckDBPyConnection) -> None:
    """A batch without events: what columns the user's SQL gives is seen on it."""
    duck.execute(_EMPTY)


def take(
    duck: duckdb.DuckDBPyConnection,
    pinned: reader.Pinned,
    table: str,
    wanted: between.Span,
    most: int = MOST,
) -> Batch:
    """Fill the table ``batch`` with the first events of a span: about ``most``, or all."""
    columns = (*COLUMNS, "_lsn")
    duck.execute(_TAKE.format(between.rows(pinned, table, wanted, columns, most + 1)))
    count, first, last = _one(duck, "select count(*), min(_lsn), max(_lsn) from taken")
    high = wanted.high
    if count > most:
        high = last
        if first == last:  # one transaction with more than that is taken whole
            (after,) = _one(duck, between.after(pinned, table, wanted, last))
            high = wanted.high if after is None else after
            whole = replace(wanted, high=high)
            duck.execute(_TAKE.format(between.rows(pinned, table, whole, columns)))
    duck.execute(
        "create or replace table batch as"  # noqa: S608  a number
        ' select topic_offset, "at" as appended_at, key, value'
        f" from taken where _lsn < {high} order by topic_offset"
    )
    ages = "select count(*), max(epoch_ms(appended_at)), min(epoch_ms(appended_at)) from batch"
    return Batch(replace(wanted, high=high), *_one(duck, ages))


def _one(duck: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = duck.execute(query).fetchone()
    assert row is not None
    return tuple(row)
