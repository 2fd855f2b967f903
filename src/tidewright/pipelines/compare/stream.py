"""A stream step against its topic: every event in exactly one place, and the views replayed.

Both sides are pinned: the lake at one commit, the keyed database in one snapshot that is at or past
that commit's position. Offsets grow in the order of commits, so what the commit holds is everything
up to its greatest offset.
"""

from __future__ import annotations

import duckdb
import psycopg
from psycopg import sql

from tidewright.model import acts, flow
from tidewright.pipelines.compare import tables

_AT_ONCE = 100_000
_EXAMPLES = 5
_LAKE = "create or replace temp table topic as select topic_offset from {} where _lsn < {}"
_ALL = (1 << 63) - 1
_COMPARE = """
select count(*) filter (t.topic_offset is not null), count(*) filter (p.topic_offset is not null),
  count(*) filter (p.topic_offset is null), count(*) filter (t.topic_offset is null),
  count(*) filter (p.times > 1), list(coalesce(t.topic_offset, p.topic_offset))
    filter (t.topic_offset is null or p.topic_offset is null or p.times > 1)
from topic t full join
  (select topic_offset, count(*) as times from places group by topic_offset) p
  using (topic_offset)
"""


def once(
    keyed: psycopg.Connection,
    duck: duckdb.DuckDBPyConnection,
    stream: flow.Stream,
    raw: str,
    before: int | None = None,
) -> acts.TableDifference:
    """Events of the topic against accepted rows and dead letters together.

    ``missing``: in no place. ``extra``: of no event. ``different``: in two places. ``before``: the
    stream's own position, when it stands still there: then nothing may be beyond it either.
    """
    duck.execute(_LAKE.format(tables.relation(raw), _ALL if before is None else before))
    row = duck.execute("select coalesce(max(topic_offset), 0) from topic").fetchone()
    assert row is not None
    duck.execute("create or replace temp table places (topic_offset bigint)")
    for table in (stream.accepted, stream.rejects):
        _fetch(keyed, duck, table, int(row[0]) if before is None else _ALL)
    found = duck.execute(_COMPARE).fetchone()
    assert found is not None
    events, placed, missing, extra, twice, examples = found
    return acts.TableDifference(
        table=f"{raw} in {stream.accepted} or {stream.rejects}",
        source_rows=events,
        lake_rows=placed,
        missing=missing,
        extra=extra,
        different=twice,
        examples=tuple(f"topic_offset {o}" for o in sorted(examples or ())[:_EXAMPLES]),
    )


def replays(keyed: psycopg.Connection, stream: flow.Stream, view: flow.Target) -> acts.Invariant:
    """The view is the last accepted row of each key, by its order, and nothing else."""
    order = [name for name in (view.order, "topic_offset") if name]
    last = sql.SQL("select distinct on ({}) * from {} order by {}").format(
        _names(view.key),
        _table(stream.accepted),
        sql.SQL(", ").join(
            [
                *map(sql.Identifier, view.key),
                *(sql.SQL("{} desc").format(sql.Identifier(o)) for o in order),
            ]
        ),
    )
    # Columns are compared by name: one that was added later stands elsewhere.
    shown = sql.SQL("select to_jsonb(v) from {} v").format(_table(view.table))
    expected = sql.SQL("select to_jsonb(l) from ({}) l").format(last)
    counts = []
    for one, other in ((expected, shown), (shown, expected)):
        query = sql.SQL("select count(*) from (({}) except ({})) d").format(one, other)
        row = keyed.execute(query).fetchone()
        assert row is not None
        counts.append(int(row[0]))
    detail = f"{counts[0]} rows only in the history, {counts[1]} only in the view"
    name = f"{view.table} is the last of each key of {stream.accepted}"
    return acts.Invariant(name, counts == [0, 0], detail)


def reasons(keyed: psycopg.Connection, stream: flow.Stream) -> acts.Invariant:
    """Every dead letter says why it is one."""
    query = sql.SQL("select count(*), count(nullif(reason, '')) from {}")
    row = keyed.execute(query.format(_table(stream.rejects))).fetchone()
    assert row is not None
    detail = f"{row[0] - row[1]} of {row[0]} have none"
    return acts.Invariant(f"{stream.rejects}: each with its reason", row[0] == row[1], detail)


def _fetch(
    keyed: psycopg.Connection, duck: duckdb.DuckDBPyConnection, table: str, upto: int
) -> None:
    query = sql.SQL("select topic_offset from {} where topic_offset <= %s").format(_table(table))
    with keyed.cursor(name="places") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(query, (upto,))
        while rows := cursor.fetchmany(_AT_ONCE):
            offsets = [offset for (offset,) in rows]
            duck.execute("insert into places select unnest($o::bigint[])", {"o": offsets})


def _table(name: str) -> sql.Identifier:
    schema, _, table = name.partition(".")
    return sql.Identifier(schema, table)


def _names(columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
