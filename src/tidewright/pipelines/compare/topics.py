"""A topic against the lake: what its producers ever appended, and what it still holds.

Rows that the lake has leave the topic after a while, so the ledger is the source here: events and
the sum of their numbers (``topic.records``), kept by each append in its own transaction.
"""

from __future__ import annotations

import duckdb
import psycopg
from psycopg import sql

from tidewright.clients import topics
from tidewright.model import acts
from tidewright.pipelines.compare import tables

_LEDGER = """
select coalesce(sum(events), 0)::bigint, coalesce(sum(checksum), 0)::numeric
from ledger.producers where topic = %s
"""
_LAKE = """
select count(*), count(distinct topic_offset),
  coalesce(sum(('0x' || substr(md5(value), 1, 15))::bigint::hugeint), 0) from {}
"""
_HELD = "select topic_offset, key, value from {} order by topic_offset"
_LACKED = """
select h.topic_offset, t.topic_offset is null from held h left join {} t using (topic_offset)
where t.topic_offset is null or t.value <> h.value or t.key is distinct from h.key limit 1000
"""
# The first copy reads a topic as it lies on disk; what it brought comes before all else.
_BACK = """
select count(*) from (select topic_offset < max(topic_offset) over (
    order by if(op = 'r', 0, _lsn), if(op = 'r', topic_offset, _seq)
    rows between unbounded preceding and 1 preceding) as back from {}) where back
"""
_AT_ONCE = 10_000


def compare(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection, topic: str
) -> acts.TableDifference:
    """The ledger, and the rows that the topic still has, against the raw table in the lake."""
    raw = tables.relation(f"raw_data.{topic}")
    row = source.execute(_LEDGER, (topic,)).fetchone()
    seen = duck.execute(_LAKE.format(raw)).fetchone()
    assert row is not None
    assert seen is not None
    events, (count, distinct) = int(row[0]), (int(seen[0]), int(seen[1]))
    lacked = _lacked(source, duck, topic, raw)
    gone = sum(absent for _, absent in lacked)
    wrong = len(lacked) - gone
    if count == events and not lacked:
        wrong = int(int(row[1]) != int(seen[2]))  # as many as there should be, yet others
    return acts.TableDifference(
        table=f"{topics.SCHEMA}.{topic}",
        source_rows=events,
        lake_rows=count,
        missing=max(gone, events - distinct, 0),
        extra=max(count - distinct, count - events, 0),
        different=wrong,
        examples=tuple(f"topic_offset {offset}" for offset, _ in lacked[:3]),
    )


def in_order(duck: duckdb.DuckDBPyConnection, raw: str) -> acts.Invariant:
    """Offsets grow in the order of commits, which is what trimming rests on."""
    row = duck.execute(_BACK.format(tables.relation(raw))).fetchone()
    assert row is not None
    return acts.Invariant(f"{raw}: offsets in order", row[0] == 0, f"{row[0]} go back")


def _lacked(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection, topic: str, raw: str
) -> list[tuple[int, bool]]:
    """Offsets that the topic holds and the lake does not hold so; whether they are absent."""
    duck.execute("create or replace temp table held (topic_offset bigint, key text, value text)")
    query = sql.SQL(_HELD).format(topics.table(topic))
    with source.transaction(), source.cursor(name="held") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(query)
        while rows := cursor.fetchmany(_AT_ONCE):
            columns = {name: [r[i] for r in rows] for i, name in enumerate(("o", "k", "v"))}
            insert = "insert into held select unnest($o::bigint[]), unnest($k::text[]), "
            duck.execute(insert + "unnest($v::text[])", columns)
    return [(int(o), bool(a)) for o, a in duck.execute(_LACKED.format(raw)).fetchall()]
