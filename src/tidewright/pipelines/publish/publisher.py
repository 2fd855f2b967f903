"""One refresh's marts in one transaction, with a row that says which commit they came from.

Killed at any point, it leaves the marts of the refresh before. A failure drops the session; the
next call opens a new one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.types.json import Jsonb

from tidewright import errors
from tidewright.model import observed
from tidewright.pipelines.publish import mart as marts
from tidewright.pipelines.publish import merge, shape

Connection = psycopg.Connection[Any]
READER = "marts_reader"
KEEP = "1 day"  # how long rows of tidewright_publications are kept
LOCK = 7_433_901  # one publisher at a time, whatever process it is in
TABLE = """
create table if not exists marts.tidewright_publications (
  id bigint generated always as identity primary key,
  commit_id bigint not null,
  position text not null,
  source text not null,
  published_at timestamptz not null default clock_timestamp(),
  marts jsonb not null
)
"""
RECORD = """
insert into marts.tidewright_publications (commit_id, position, source, marts)
values (%s, %s, %s, %s)
"""
LAST = "select marts from marts.tidewright_publications order by id desc limit 1"
FORGET = """
delete from marts.tidewright_publications
where id in (select id from marts.tidewright_publications order by id limit 100)
  and published_at < clock_timestamp() - %s::interval
"""


@dataclass(frozen=True, slots=True)
class Published:
    """What readers see now, what else the user should know, and each mart's rows before."""

    marts: tuple[observed.MartState, ...]
    notes: tuple[str, ...]
    before: Mapping[str, int] = field(default_factory=dict)


class PublishFailed(errors.StepFailed):
    """The marts stay as they were; the reason will not pass by itself."""


class PublishLater(PublishFailed, errors.Transient):
    """The marts stay as they were; the same call may succeed later."""


class Publisher:
    """Keeps one session and the temporary tables in it between publications."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._conn: Connection | None = None
        self._incoming: dict[str, tuple[marts.Column, ...]] = {}

    def publish(self, new: Sequence[marts.Mart], origin: marts.Origin) -> Published:
        """Bring every mart to its new rows, or none. Raises PublishFailed or PublishLater."""
        writing = _Now()
        try:
            conn = self._session()
            with conn.transaction():
                published = self._write(conn, new, origin, writing)
        except BaseException as reason:
            self.close()
            if isinstance(reason, psycopg.Error):
                raise _failure(reason, writing.mart) from None
            raise
        return published

    def close(self) -> None:
        """End the session; the next publication opens another."""
        if self._conn is not None:
            self._conn.close()
        self._conn, self._incoming = None, {}

    def _session(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self.close()
            self._conn = self._connect()
            _prepare(self._conn)
        return self._conn

    def _write(
        self, conn: Connection, new: Sequence[marts.Mart], origin: marts.Origin, writing: _Now
    ) -> Published:
        conn.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        notes: list[str] = []
        states = []
        for mart in new:
            writing.mart = mart.name
            notes += shape.fit(conn, mart)
            states.append(self._bring(conn, mart))
        writing.mart = ""
        last = conn.execute(LAST).fetchone()
        rows = {state.name: state.rows for state in states}
        conn.execute(RECORD, [origin.commit_id, origin.position, origin.source, Jsonb(rows)])
        conn.execute(FORGET, [KEEP])
        for name in shape.abandoned(conn, tuple(m.name for m in new)):
            notes.append(f"mart {name} is not in the file: it stays, and is no longer refreshed")
        return Published(tuple(states), tuple(notes), dict(last[0]) if last else {})

    def _bring(self, conn: Connection, mart: marts.Mart) -> observed.MartState:
        if self._incoming.get(mart.name) != mart.columns:
            merge.prepare(conn, mart)
            self._incoming[mart.name] = mart.columns
        rows = merge.load(conn, mart)
        changed = merge.apply(conn, mart)
        return observed.MartState(mart.name, rows, time.time_ns() // 1_000_000, changed)


@dataclass(slots=True)
class _Now:
    """Which mart is being written, for the error's sake."""

    mart: str = ""


def _prepare(conn: Connection) -> None:
    """Schema, the table of publications, and the reader's rights on what will be created."""
    conn.execute("set client_min_messages = warning")
    conn.execute("create schema if not exists marts")
    conn.execute(TABLE)
    found = conn.execute("select from pg_roles where rolname = %s", [READER]).fetchone()
    if found is None:
        return
    reader = sql.Identifier(READER)
    for text in (
        "grant usage on schema marts to {}",
        "grant select on all tables in schema marts to {}",
        "alter default privileges in schema marts grant select on tables to {}",
    ):
        conn.execute(sql.SQL(text).format(reader))


def _failure(reason: psycopg.Error, mart: str) -> PublishFailed:
    """PostgreSQL's reason in our words; the first family that fits says what to do."""
    detail = reason.diag.message_detail or ""
    primary = reason.diag.message_primary or str(reason).strip()
    where = f"mart {mart}" if mart else "the marts database"
    if isinstance(reason, pg.DependentObjectsStillExist):
        told = f"a column cannot change while something depends on it: {_first(detail)}"
        hint = "Drop or change what depends on it, or keep the column in the model."
        return PublishFailed("refresh.mart_in_use", told, where, hint)
    if isinstance(reason, pg.UniqueViolation | pg.NotNullViolation | pg.CardinalityViolation):
        told = f"the key does not name one row each: {_first(detail) or primary}"
        hint = "Correct the model, or its unique_key; the marts stay as last published."
        return PublishFailed("refresh.bad_key", told, where, hint)
    if isinstance(reason, pg.LockNotAvailable):
        told = "its columns change, and a reader has it open"
        hint = "It is tried again; end the reader's transaction if that takes too long."
        return PublishLater("refresh.mart_locked", told, where, hint)
    if isinstance(reason, psycopg.OperationalError):
        told = f"the connection was lost: {_first(primary)}"
        hint = "It is tried again; look at the service store."
        return PublishLater("refresh.marts_away", told, where, hint)
    hint = "Correct the model; the marts stay as last published."
    return PublishFailed("refresh.publish_failed", f"PostgreSQL refused: {primary}", where, hint)


def _first(text: str) -> str:
    return next(iter(text.splitlines()), "")
