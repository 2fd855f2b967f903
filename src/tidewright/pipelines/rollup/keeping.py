"""The tables in PostgreSQL: partial results added to what is there, with the position beside them.

One transaction holds the rows of every table and the new position, so a batch is in all tables or
in none; the position's row is locked first, and a batch that is there already is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from tidewright import errors
from tidewright.pipelines.core import faults
from tidewright.pipelines.rollup import plan

_POSITIONS = """
create table if not exists {}.tidewright_positions (
  source text primary key, position bigint not null, identity text not null,
  at timestamptz not null default clock_timestamp())
"""
_TAKE = "select position, identity from {}.tidewright_positions where source = %s for update"
_MOVE = """
insert into {}.tidewright_positions (source, position, identity) values (%s, %s, %s)
on conflict (source) do update set position = excluded.position, at = clock_timestamp()
"""
_MERGES: Mapping[plan.Merge, str] = {
    "sum": "{c} = coalesce(t.{c} + excluded.{c}, t.{c}, excluded.{c})",
    "min": "{c} = least(t.{c}, excluded.{c})",
    "max": "{c} = greatest(t.{c}, excluded.{c})",
    "any": "{c} = coalesce(t.{c}, excluded.{c})",
}
READER = "marts_reader"
Connect = Callable[[], "psycopg.Connection[Any]"]


def succeed(schema: str) -> sql.Composed:
    """A restored topic goes on under a new name: the statement that takes the new and the old."""
    return sql.SQL("update {}.tidewright_positions set identity = %s where identity = %s").format(
        sql.Identifier(schema)
    )


class Keeper:
    """One session with the marts; opened again after it broke."""

    def __init__(
        self,
        connect: Connect,
        schema: str,
        views: Sequence[plan.View],
        fault: faults.Fault = faults.none,
    ) -> None:
        self._connect, self._schema = connect, schema
        self._views, self._fault = views, fault
        self._conn: psycopg.Connection[Any] | None = None

    def position(self, source: str, identity: str) -> int:
        """How far a source is in the tables; 0 before its first batch."""
        conn = self._session()
        row = conn.execute(self._said(_TAKE), (source,)).fetchone()
        return 0 if row is None else self._known(row, source, identity)

    def add(
        self, source: str, identity: str, span: tuple[int, int],
        results: Mapping[plan.View, pa.Table],
    ) -> bool:  # fmt: skip
        """Add a batch from one position to the next; False when the tables are not at the first.

        An outcome that is not known is settled by asking for the position again.
        """
        conn = self._session()
        with conn.transaction():
            row = conn.execute(self._said(_TAKE), (source,)).fetchone()
            at = 0 if row is None else self._known(row, source, identity)
            if at != span[0]:
                return False
            for view, rows in results.items():
                self._merge(conn, view, rows)
            conn.execute(self._said(_MOVE), (source, span[1], identity))
            self._fault("rolled")
        self._fault("rollup_committed")
        return True

    def rows(self) -> Mapping[str, int]:
        """Rows of each table, as PostgreSQL estimates them."""
        conn = self._session()
        found = conn.execute(
            "select relname, n_live_tup from pg_stat_user_tables where schemaname = %s",
            (self._schema,),
        ).fetchall()
        return {name: int(count) for name, count in found}

    def close(self) -> None:
        """Let go of the session; the next call opens another."""
        if self._conn is not None:
            self._conn.close()
        self._conn = None

    def _merge(self, conn: psycopg.Connection[Any], view: plan.View, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        incoming = sql.Identifier("pg_temp", f"incoming_{view.table}")
        with conn.cursor() as cursor:
            command = sql.SQL("copy {} from stdin (format csv)").format(incoming)
            with cursor.copy(command) as copy:
                copy.write(_csv(rows))
        names = [c.name for c in view.columns]
        updates = [_update(c.name, c.merge) for c in view.columns if c.merge is not None]
        action = sql.SQL("nothing")
        if updates:
            action = sql.SQL("update set ") + sql.SQL(", ").join(updates)  # type: ignore[assignment]
        text = sql.SQL(
            "insert into {} as t ({}) select {} from {} on conflict ({}) do {}"
        ).format(
            sql.Identifier(self._schema, view.table), _names(names), _names(names), incoming,
            _names(view.key), action,
        )  # fmt: skip
        conn.execute(text)
        conn.execute(sql.SQL("truncate {}").format(incoming))

    def _known(self, row: tuple[Any, ...], source: str, identity: str) -> int:
        if row[1] != identity:
            raise errors.Refused(
                "stream.rollup_other_source",
                f"its position belongs to {row[1]}, the topic is {identity}",
                f"the rollups of {source}",
                "Restore topic and marts from one backup, or begin anew with destroy.",
            )  # fmt: skip
        return int(row[0])

    def _session(self) -> psycopg.Connection[Any]:
        if self._conn is None or self._conn.closed:
            self._conn = self._connect()
            self._prepare(self._conn)
        return self._conn

    def _prepare(self, conn: psycopg.Connection[Any]) -> None:
        """Schema, tables, and the reader's rights."""
        schema = sql.Identifier(self._schema)
        conn.execute("set client_min_messages = warning")
        conn.execute(sql.SQL("create schema if not exists {}").format(schema))
        conn.execute(self._said(_POSITIONS))
        for view in self._views:
            self._table(conn, view)
        if conn.execute("select from pg_roles where rolname = %s", [READER]).fetchone() is not None:
            for text in (
                "grant usage on schema {} to {}",
                "grant select on all tables in schema {} to {}",
            ):
                conn.execute(sql.SQL(text).format(schema, sql.Identifier(READER)))

    def _table(self, conn: psycopg.Connection[Any], view: plan.View) -> None:
        table = sql.Identifier(self._schema, view.table)
        columns = sql.SQL(", ").join(
            sql.SQL("{} ").format(sql.Identifier(c.name)) + sql.SQL(c.kind) for c in view.columns
        )
        conn.execute(sql.SQL("create table if not exists {} ({})").format(table, columns))
        self._fits(conn, view)
        index = sql.SQL("create unique index if not exists {} on {} ({}) nulls not distinct")
        name = sql.Identifier(f"{view.table}_key")
        conn.execute(index.format(name, table, _names(view.key)))
        temp = sql.SQL("create temporary table if not exists {} ({})")
        conn.execute(temp.format(sql.Identifier("pg_temp", f"incoming_{view.table}"), columns))

    def _fits(self, conn: psycopg.Connection[Any], view: plan.View) -> None:
        """A table of an older file may have other columns."""
        found = conn.execute(
            "select array_agg(column_name::text order by ordinal_position) from "
            "information_schema.columns where table_schema = %s and table_name = %s",
            (self._schema, view.table),
        ).fetchone()
        if found is not None and found[0] != [c.name for c in view.columns]:
            raise errors.Refused(
                "stream.rollup_other_columns",
                f"the table has other columns: {', '.join(found[0] or ())}",
                f"{self._schema}.{view.table}",
                "Give the changed table a new name in the SQL file; old events are not read again.",
            )  # fmt: skip

    def _said(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(sql.Identifier(self._schema))


def _update(name: str, merge: plan.Merge) -> sql.Composed:
    return sql.SQL(_MERGES[merge]).format(c=sql.Identifier(name))


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _csv(rows: pa.Table) -> str:
    """Rows as COPY reads them: null is nothing, any value is in quotes."""
    lines = zip(*(_values(c) for c in rows.columns), strict=True)
    return "".join(",".join(map(_quoted, line)) + "\n" for line in lines)


def _values(column: pa.ChunkedArray) -> list[object]:
    """Moments as text: Python's own end with the year 9999, PostgreSQL's do not."""
    shown = column.cast(pa.string()) if pa.types.is_timestamp(column.type) else column
    found: list[object] = shown.to_pylist()
    return found


def _quoted(value: object) -> str:
    return "" if value is None else '"' + str(value).replace('"', '""') + '"'
