"""Brings a mart's table to its new rows by writing only the differences.

New rows are copied into a temporary table of the session and merged from there. ``TRUNCATE`` would
make readers wait and shows old snapshots an empty table; a renamed table loses grants and views.
"""

from __future__ import annotations

import hashlib
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tidewright.pipelines.publish import mart as marts
from tidewright.pipelines.publish import shape

Connection = psycopg.Connection[Any]
KEYED = """
merge into {mart} m using {incoming} n on {same_key}
when matched and ({old}) is distinct from ({new}) then update set {updates}
when not matched then insert ({columns}) values ({values})
when not matched by source then delete
"""
# Every column is part of the key, so a row that matches is the same row.
KEY_ONLY = """
merge into {mart} m using {incoming} n on {same_key}
when not matched then insert ({columns}) values ({values})
when not matched by source then delete
"""
# Equal rows are told apart by their number among themselves, so that a row may occur twice.
WHOLE_ROWS = """
with old as (
  select place_, text_, row_number() over (partition by text_) as number_
  from (select ctid as place_, row({columns})::text as text_ from {mart}) as o
), new as (
  select place_, text_, row_number() over (partition by text_) as number_
  from (select ctid as place_, row({columns})::text as text_ from {incoming}) as n
), removed as (
  delete from {mart} where ctid = any(array(
    select place_ from old where not exists (
      select from new where new.text_ = old.text_ and new.number_ = old.number_)))
  returning 1
), added as (
  insert into {mart} ({columns}) select {columns} from {incoming} where ctid = any(array(
    select place_ from new where not exists (
      select from old where new.text_ = old.text_ and new.number_ = old.number_)))
  returning 1
)
select (select count(*) from removed) + (select count(*) from added)
"""


def incoming(name: str) -> sql.Identifier:
    """The session's own table for new rows of a mart; it empties itself at each commit."""
    short = hashlib.sha256(name.encode()).hexdigest()[:8]
    return sql.Identifier("pg_temp", f"incoming_{name[:40]}_{short}")


def prepare(conn: Connection, mart: marts.Mart) -> None:
    """Create the table for new rows, in place of one with other columns."""
    place = incoming(mart.name)
    body = sql.SQL(", ").join(map(shape.typed, mart.columns))
    conn.execute(sql.SQL("drop table if exists {}").format(place))
    make = sql.SQL("create temporary table {} ({}) on commit delete rows")
    conn.execute(make.format(place, body))


def load(conn: Connection, mart: marts.Mart) -> int:
    """Copy the new rows in. Answers how many there are."""
    command = sql.SQL("copy {} from stdin (format csv)").format(incoming(mart.name))
    with conn.cursor() as cursor:
        with cursor.copy(command) as copy:
            for text in mart.rows():
                copy.write(text)
        return cursor.rowcount


def apply(conn: Connection, mart: marts.Mart) -> int:
    """Make the mart equal to the new rows. Answers how many rows were written or removed."""
    cursor = conn.execute(statement(mart))
    if mart.key:
        return cursor.rowcount
    found = cursor.fetchone()
    return int(found[0]) if found else 0


def statement(mart: marts.Mart) -> sql.Composed:
    """The one statement that writes the differences."""
    all_names = tuple(c.name for c in mart.columns)
    others = tuple(n for n in all_names if n not in mart.key)
    keyed = KEYED if others else KEY_ONLY
    text = keyed if mart.key else WHOLE_ROWS
    return sql.SQL(text).format(
        mart=shape.table(mart.name),
        incoming=incoming(mart.name),
        columns=shape.names(all_names),
        same_key=_pairs(mart.key, "m.{0} = n.{0}", " and "),
        updates=_pairs(others, "{0} = n.{0}", ", "),
        old=_pairs(others, "m.{0}", ", "),
        new=_pairs(others, "n.{0}", ", "),
        values=_pairs(all_names, "n.{0}", ", "),
    )


def _pairs(names: tuple[str, ...], pattern: LiteralString, between: LiteralString) -> sql.Composed:
    """``pattern`` for each name, for example ``m."id" = n."id" and m."day" = n."day"``."""
    each = [sql.SQL(pattern).format(sql.Identifier(name)) for name in names]
    return sql.SQL(between).join(each)
