"""Makes a mart's table fit its model, keeping the table: grants and other people's views survive.

A column that goes, or changes its type, is dropped and added again at the end. When a view needs
it, nothing is changed and the error names the view.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from tidewright.pipelines.publish import mart as marts
from tidewright.pipelines.publish import types

MARK = "Kept by Tidewright"
LOCK_TIMEOUT = "3s"  # DDL waits for readers; with a limit, so that others do not queue behind it
Connection = psycopg.Connection[Any]


def fit(conn: Connection, mart: marts.Mart) -> tuple[str, ...]:
    """Create or alter the table. Answers what changed, as sentences; usually nothing."""
    has = columns(conn, mart.name)
    if not has:
        _create(conn, mart)
        return ()
    wanted = {c.name: c.type for c in mart.columns}
    key_changes = _key(conn, mart.name) != mart.key
    if has == wanted and not key_changes:
        return ()
    conn.execute(sql.SQL("set local lock_timeout = {}").format(LOCK_TIMEOUT))
    if key_changes:
        _drop_key(conn, mart)
    gone = [name for name, kind in has.items() if wanted.get(name) != kind]
    new = [c for c in mart.columns if has.get(c.name) != c.type]
    _alter(conn, mart, gone, new)
    if key_changes and mart.key:
        _alter_table(conn, mart.name, sql.SQL("add primary key ({})").format(names(mart.key)))
    conn.execute("set local lock_timeout = 0")
    return _said(mart, gone, new, key_changes)


def columns(conn: Connection, name: str) -> dict[str, str]:
    """The table's columns and types, in order; empty when there is no such table."""
    found = conn.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
        [f"{marts.SCHEMA}.{types.quoted(name)}"],
    )
    return {str(row[0]): str(row[1]) for row in found}


def abandoned(conn: Connection, kept: tuple[str, ...]) -> tuple[str, ...]:
    """Marts that are in the database and no longer in the file. They stay as they are."""
    found = conn.execute(
        "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r'"
        " and obj_description(oid, 'pg_class') = %s and relname <> all(%s) order by 1",
        [marts.SCHEMA, MARK, list(kept)],
    )
    return tuple(str(row[0]) for row in found)


def table(name: str) -> sql.Identifier:
    return sql.Identifier(marts.SCHEMA, name)


def names(of: tuple[str, ...]) -> sql.Composed:
    """Column names, quoted and separated by commas."""
    return sql.SQL(", ").join(map(sql.Identifier, of))


def typed(column: marts.Column) -> sql.Composed:
    """A column's definition. The type comes from our own map, so it is no one's input."""
    return sql.Identifier(column.name) + sql.SQL(" " + column.type)


def _create(conn: Connection, mart: marts.Mart) -> None:
    parts = [typed(c) for c in mart.columns]
    if mart.key:
        parts.append(sql.SQL("primary key ({})").format(names(mart.key)))
    body = sql.SQL(", ").join(parts)
    conn.execute(sql.SQL("create table {} ({})").format(table(mart.name), body))
    conn.execute(sql.SQL("comment on table {} is {}").format(table(mart.name), MARK))


def _key(conn: Connection, name: str) -> tuple[str, ...]:
    found = conn.execute(
        "select a.attname from pg_index i cross join unnest(i.indkey) with ordinality k(num, place)"
        " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.num"
        " where i.indrelid = to_regclass(%s) and i.indisprimary order by k.place",
        [f"{marts.SCHEMA}.{types.quoted(name)}"],
    )
    return tuple(str(row[0]) for row in found)


def _drop_key(conn: Connection, mart: marts.Mart) -> None:
    """Another key makes every row another row, so the old ones leave first."""
    conn.execute(sql.SQL("delete from {}").format(table(mart.name)))
    found = conn.execute(
        "select conname from pg_constraint where conrelid = to_regclass(%s) and contype = 'p'",
        [f"{marts.SCHEMA}.{types.quoted(mart.name)}"],
    ).fetchone()
    if found is not None:
        clause = sql.SQL("drop constraint {}").format(sql.Identifier(found[0]))
        _alter_table(conn, mart.name, clause)


def _alter(conn: Connection, mart: marts.Mart, gone: list[str], new: list[marts.Column]) -> None:
    for name in gone:
        _alter_table(conn, mart.name, sql.SQL("drop column {}").format(sql.Identifier(name)))
    for column in new:
        _alter_table(conn, mart.name, sql.SQL("add column {}").format(typed(column)))


def _alter_table(conn: Connection, name: str, clause: sql.Composed) -> None:
    conn.execute(sql.SQL("alter table {} {}").format(table(name), clause))


def _said(
    mart: marts.Mart, gone: list[str], new: list[marts.Column], key_changes: bool
) -> tuple[str, ...]:
    added = [c.name for c in new]
    said = []
    if gone:
        said.append(f"mart {mart.name}: dropped {', '.join(gone)}")
    if added:
        said.append(f"mart {mart.name}: added {', '.join(added)}")
    if key_changes:
        said.append(f"mart {mart.name}: its key is now ({', '.join(mart.key) or 'none'})")
    return tuple(said)
