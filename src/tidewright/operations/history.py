"""What the console shows beside the status files: recent commits and a few rows of each mart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from tidewright import errors
from tidewright.model import flow, views
from tidewright.operations import console_sessions, sqlbox
from tidewright.pipelines.lake import reader

COMMITS = sql.SQL(
    "select id, flow, position, (extract(epoch from committed_at) * 1000)::bigint, newest_ms,"
    " changes, (select count(*) from jsonb_object_keys(tables))::int"
    " from tidewright_commits order by id desc limit %s"
)
# A mart is looked up by name, in whichever schema of its own database it was published.
COLUMNS = sql.SQL(
    "select n.nspname, c.relname, a.attname, t.typcategory from pg_attribute a"
    " join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace"
    " join pg_type t on t.oid = a.atttypid where c.relname = any(%s) and c.relkind in"
    " ('r', 'p', 'v', 'm') and n.nspname !~ '^(pg_|information_schema)' and a.attnum > 0"
    " and not a.attisdropped order by 1, 2, a.attnum"
)
_NUMBER, _TIME, _TEXT = "N", "D", "SE"
POINTS, BARS = 60, 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """The marts to draw, and the file's own charts of them."""

    marts: tuple[str, ...]
    charts: tuple[flow.Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Picked:
    """What to draw of a mart: ``value`` for each ``label``, along a line or as the largest."""

    label: str
    value: str
    line: bool
    title: str = ""


@dataclass(frozen=True, slots=True)
class MartShape:
    """A mart's columns: (name, PostgreSQL's type category)."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]


def read(pool: console_sessions.Sessions, wanted: Wanted, commits: int = 9) -> views.History:
    """Everything at once. A database that is away becomes the message, never an error."""
    try:
        lines = recent_commits(pool, commits)
    except errors.PlatformError as reason:
        return views.History(message=reason.what)
    try:
        return views.History(lines, samples(pool, wanted))
    except errors.PlatformError as reason:
        return views.History(lines, message=reason.what)


def recent_commits(pool: console_sessions.Sessions, count: int) -> tuple[views.CommitLine, ...]:
    """The last commits of the lake, newest first; none while there is no such table."""
    with pool.use("catalog") as connection:
        try:
            rows = connection.execute(COMMITS, [count]).fetchall()
        except psycopg.errors.UndefinedTable:
            return ()
    return tuple(views.CommitLine(*row) for row in rows)


def pin(pool: console_sessions.Sessions) -> sqlbox.Pin:
    """The newest commit, as the SQL box needs it: names of tables and their views."""
    with pool.use("catalog") as connection:
        found = reader.pin_each(connection)
    if found is None:
        return sqlbox.Pin(None, (), ())
    return sqlbox.Pin(found.commit_id, tuple(sorted(found.tables)), reader.statements(found))


def samples(pool: console_sessions.Sessions, wanted: Wanted) -> tuple[views.MartSample, ...]:
    """For each mart that can be drawn, the rows of its chart."""
    if not wanted.marts:
        return ()
    with pool.use("marts") as connection:
        return tuple(_samples(connection, wanted))


def _samples(connection: psycopg.Connection[Any], wanted: Wanted) -> Iterator[views.MartSample]:
    for shape in _shapes(connection, wanted.marts):
        picked = asked(shape, wanted.charts) or pick(shape.columns)
        if picked is None:
            continue
        rows = connection.execute(_query(shape, picked)).fetchall()
        columns = (
            views.Column(picked.label, "time" if picked.line else "text"),
            views.Column(picked.value, "number"),
        )
        answer = views.Answer(columns, tuple(rows))
        yield views.MartSample(shape.name, answer, picked.title)


def _shapes(connection: psycopg.Connection[Any], marts: Sequence[str]) -> Iterator[MartShape]:
    found: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for schema, table, column, category in connection.execute(COLUMNS, [list(marts)]).fetchall():
        found.setdefault(table, {}).setdefault(schema, []).append((column, category))
    for table in (m for m in marts if m in found):
        schema, columns = next(iter(found[table].items()))
        yield MartShape(schema, table, tuple(columns))


def asked(shape: MartShape, charts: Sequence[flow.Chart]) -> Picked | None:
    """The first line or bar that the file has for a mart, if its columns are there.

    A card has room for one drawing; tables and single numbers are for a BI tool.
    """
    kinds = dict(shape.columns)
    for chart in charts:
        if chart.mart == shape.name and chart.x in kinds and kinds.get(chart.y or "") == _NUMBER:
            return Picked(str(chart.x), str(chart.y), chart.kind == "line", chart.name)
    return None


def pick(columns: Sequence[tuple[str, str]]) -> Picked | None:
    """The default chart: the first date, else the first text, against the first real number.

    A number whose name ends in ``id`` is a label at best. None: there is nothing to draw.
    """
    numbers = [name for name, category in columns if category == _NUMBER]
    values = [n for n in numbers if not _is_key(n)]
    labels = [(n, c) for n, c in columns if c == _TIME]
    labels += [(n, c) for n, c in columns if c in _TEXT]
    labels += [(n, "S") for n in numbers if _is_key(n)]
    labels += [(n, "S") for n in values[:-1]]
    if not labels:
        return None
    value = next((v for v in values if v != labels[0][0]), None)
    return Picked(labels[0][0], value, labels[0][1] == _TIME) if value else None


def _is_key(name: str) -> bool:
    return name.lower() in ("id", "rank") or name.lower().endswith(("_id", "_no"))


def _query(shape: MartShape, picked: Picked) -> sql.Composed:
    newest = picked.line
    inner = sql.SQL(
        "select {label} l, sum({value}) v from {table} where {label} is not null group by 1"
        " order by {order} limit {limit}"
    ).format(
        label=sql.Identifier(picked.label),
        value=sql.Identifier(picked.value),
        table=sql.Identifier(shape.schema, shape.name),
        order=sql.SQL("1 desc" if newest else "2 desc nulls last, 1"),
        limit=sql.Literal(POINTS if newest else BARS),
    )
    outer = sql.SQL("select l::text, v::text from ({}) s {}")
    return outer.format(inner, sql.SQL("order by l" if newest else "order by v desc nulls last"))
