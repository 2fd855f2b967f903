"""The keyed database: accepted rows, dead letters, views and the position, in one transaction.

The position's row is locked and must be the one that the batch began at; so two streams of one name
cannot both write a batch, and a batch is written once. Tables are made from the columns that the
SQL gives; a column more is added, any other change is refused.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from tidewright import errors
from tidewright.model import flow
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import between
from tidewright.pipelines.publish import types
from tidewright.pipelines.stream import routing

LAYOUT = """
create schema if not exists tidewright;
create table if not exists tidewright.positions (
  stream text primary key, source text not null, position text not null, events bigint not null,
  accepted bigint not null, rejected bigint not null,
  at timestamptz not null default clock_timestamp());
"""
FORMAT = csv.WriteOptions(include_header=False, quoting_style="all_valid")
DEAD: Mapping[str, str] = {
    "topic_offset": "bigint", "appended_at": "timestamp with time zone", "key": "text",
    "value": "text", "reason": "text",
}  # fmt: skip
_AT = "select source, position, events, accepted, rejected from tidewright.positions"
_MOVE = """
insert into tidewright.positions (stream, source, position, events, accepted, rejected)
values (%s, %s, %s, %s, %s, %s) on conflict (stream) do update
set source = excluded.source, position = excluded.position, events = excluded.events,
  accepted = excluded.accepted, rejected = excluded.rejected, at = clock_timestamp()
"""
# A restored topic goes on under a new name.
SUCCEED = "update tidewright.positions set source = %s where stream = %s and source = %s"
_COLUMNS = """
select attname, format_type(atttypid, null) from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a stream came, and what it has counted since it began."""

    source: str | None = None
    position: int = 0
    events: int = 0
    accepted: int = 0
    rejected: int = 0


class Moved(errors.StepFailed, errors.Transient):
    """Somebody else wrote the batch that we were about to write."""


class Views:
    """The tables of one stream on one connection (autocommit, as the owner)."""

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        name: str,
        stream: flow.Stream,
        fault: faults.Fault = faults.none,
    ) -> None:
        self._conn, self._name, self._stream, self._fault = conn, name, stream, fault
        self._columns: Mapping[str, str] = {}

    def prepare(self, columns: Mapping[str, str]) -> Standing:
        """Make what is missing for the SQL's columns and DuckDB types; where the stream stands."""
        self._columns = columns
        wanted = {name: types.postgres_type(kind) for name, kind in columns.items()}
        with self._conn.transaction():
            self._conn.execute("select pg_advisory_xact_lock(hashtext('tidewright views'))")
            self._conn.execute(LAYOUT.encode())
            self._table(flow.Target(self._stream.rejects, (routing.OFFSET,)), DEAD)
            self._table(flow.Target(self._stream.accepted, (routing.OFFSET,)), wanted)
            for view in self._stream.views:
                self._table(view, wanted)
        return self.standing()

    def standing(self) -> Standing:
        """Where the stream stands; at the beginning when it never wrote."""
        return self._standing("")

    def write(
        self, duck: duckdb.DuckDBPyConnection, before: Standing, taken: between.Span
    ) -> Standing:
        """Write the routed batch that began at ``before``. Raises Moved when that is not so."""
        rows, dead = _count(duck, "accepted"), _count(duck, "dead")
        after = Standing(
            taken.source, taken.high, before.events + rows + dead, before.accepted + rows,
            before.rejected + dead,
        )  # fmt: skip
        with self._conn.transaction():
            if self._standing(" for update") != before:
                raise _moved(self._name)
            self._append(duck)
            for view in self._stream.views:
                self._merge(duck, view)
            self._note(after)
            self._fault("views_written")
        self._fault("views_committed")
        return after

    def _standing(self, lock: str) -> Standing:
        query = f"{_AT} where stream = %s{lock}"
        row = self._conn.execute(query.encode(), (self._name,)).fetchone()
        return Standing() if row is None else Standing(row[0], flow.lsn_value(row[1]), *row[2:])

    def _note(self, after: Standing) -> None:
        text = flow.lsn_text(after.position)
        counts = (after.events, after.accepted, after.rejected)
        self._conn.execute(_MOVE, (self._name, after.source, text, *counts))

    def _append(self, duck: duckdb.DuckDBPyConnection) -> None:
        listed = tuple(self._columns)
        source = f"select {_texts(self._columns)} from accepted order by topic_offset"  # noqa: S608
        self._copy(duck, source, _identifier(self._stream.accepted), listed)
        source = (
            "select cast(topic_offset as varchar), cast(b.appended_at as varchar), b.key, b.value,"
            " d.reason from dead d join batch b using (topic_offset) order by topic_offset"
        )
        self._copy(duck, source, _identifier(self._stream.rejects), tuple(DEAD))

    def _merge(self, duck: duckdb.DuckDBPyConnection, view: flow.Target) -> None:
        listed = tuple(self._columns)
        last = routing.last_of_each(view, listed)
        table, incoming = _identifier(view.table), sql.Identifier("incoming")
        make = sql.SQL("create temp table {} (like {}) on commit drop")
        self._conn.execute(make.format(incoming, table))
        self._copy(duck, f"select {_texts(self._columns)} from ({last})", incoming, listed)  # noqa: S608
        self._conn.execute(_upsert(view, table, incoming, listed))
        self._conn.execute("drop table incoming")

    def _copy(
        self,
        duck: duckdb.DuckDBPyConnection,
        source: str,
        into: sql.Identifier,
        columns: Sequence[str],
    ) -> None:
        found = duck.execute(source).to_arrow_reader(10_000)
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("copy {} ({}) from stdin (format csv)").format(into, names)
        with self._conn.cursor() as cursor, cursor.copy(query) as copy:
            for batch in found:
                # As Arrow all the way: a row at a time took most of a stream's time.
                copy.write(_csv(batch))

    # -- tables -------------------------------------------------------------------------------

    def _table(self, target: flow.Target, wanted: Mapping[str, str]) -> None:
        table = _identifier(target.table)
        have = dict(self._conn.execute(_COLUMNS, (table.as_string(self._conn),)).fetchall())
        if not have:
            self._create(target, wanted)
            return
        changed = [n for n in have if n not in wanted] + [
            n for n, kind in wanted.items() if n in have and _plain(kind) != have[n]
        ]
        if changed:
            raise errors.Refused(
                "stream.columns",
                f"column {changed[0]} of {target.table} is not what the SQL gives now",
                f"table {target.table}",
                "Give the column back its name and type, or name another table in the file.",
            )
        for name in wanted:
            if name not in have:
                add = sql.SQL("alter table {} add column {} {}")
                kind = sql.SQL(wanted[name])
                self._conn.execute(add.format(table, sql.Identifier(name), kind))

    def _create(self, target: flow.Target, wanted: Mapping[str, str]) -> None:
        schema, _, _ = target.table.partition(".")
        self._conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        body = sql.SQL(", ").join(
            sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind in wanted.items()
        )
        key = sql.SQL(", ").join(map(sql.Identifier, target.key))
        # Room in each page lets an update of a row stay beside the old one, off the index.
        room = sql.SQL(" with (fillfactor = 80)" if target in self._stream.views else "")
        self._conn.execute(
            sql.SQL("create table {} ({}, primary key ({}))").format(
                _identifier(target.table), body, key
            )
            + room
        )


def _upsert(
    view: flow.Target, table: sql.Identifier, incoming: sql.Identifier, columns: Sequence[str]
) -> sql.Composed:
    """Last by order wins, also against what was written by an earlier batch."""
    key = sql.SQL(", ").join(map(sql.Identifier, view.key))
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    changed = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(c)) for c in columns
    )
    new, old = (
        sql.SQL(", ").join(sql.SQL(f"{who}.{{}}").format(sql.Identifier(c)) for c in columns_)
        for who, columns_ in (("excluded", routing.orders(view)), ("present", routing.orders(view)))
    )
    return sql.SQL(
        "insert into {} as present ({}) select {} from {} order by {}"
        " on conflict ({}) do update set {} where ({}) > ({})"
    ).format(table, names, names, incoming, key, key, changed, new, old)


def _count(duck: duckdb.DuckDBPyConnection, table: str) -> int:
    row = duck.execute(f"select count(*) from {table}").fetchone()  # noqa: S608  a constant
    assert row is not None
    return int(row[0])


def _csv(batch: pa.RecordBatch) -> bytes:
    """Rows as COPY reads them: null is nothing, any value is in quotes."""
    out = io.BytesIO()
    csv.write_csv(batch, out, FORMAT)
    return out.getvalue()


def _texts(columns: Mapping[str, str]) -> str:
    return ", ".join(types.as_text(name, kind) for name, kind in columns.items())


def _plain(kind: str) -> str:
    """A type as ``format_type`` prints it without its modifier."""
    return kind.partition("(")[0]


def _identifier(table: str) -> sql.Identifier:
    schema, _, name = table.partition(".")
    return sql.Identifier(schema, name)


def _moved(name: str) -> Moved:
    return Moved(
        "stream.moved", "another process has written this batch", f"stream {name}",
        "End one of the two; nothing is written twice.",
    )  # fmt: skip
