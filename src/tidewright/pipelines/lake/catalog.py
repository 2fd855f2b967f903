"""The catalog database: pointers to table metadata, leases of writers, and the commits row.

The tables ``iceberg_*`` have PyIceberg's SqlCatalog layout, so that any SqlCatalog named ``lake``
reads what we write; ``tidewright_*`` are ours. Every function works on a connection that is given;
``swap`` is the one place where a commit becomes visible.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg

from tidewright import errors
from tidewright.model import flow

NAME = "lake"

LAYOUT = """
create table if not exists iceberg_tables (
  catalog_name varchar(255) not null, table_namespace varchar(255) not null,
  table_name varchar(255) not null, metadata_location varchar(1000),
  previous_metadata_location varchar(1000), iceberg_type varchar(5),
  primary key (catalog_name, table_namespace, table_name));
create table if not exists iceberg_namespace_properties (
  catalog_name varchar(255) not null, namespace varchar(255) not null,
  property_key varchar(255) not null, property_value varchar(1000) not null,
  primary key (catalog_name, namespace, property_key));
create table if not exists tidewright_leases (
  flow text primary key, epoch bigint not null, owner text not null,
  taken_at timestamptz not null);
create table if not exists tidewright_commits (
  id bigint generated always as identity primary key, flow text not null,
  epoch bigint not null, token uuid not null unique, kind text not null,
  source text not null, position text not null,
  committed_at timestamptz not null default clock_timestamp(),
  newest_ms bigint, oldest_ms bigint, changes bigint not null, tables jsonb not null,
  state jsonb);
alter table tidewright_commits add column if not exists state jsonb;
create index if not exists tidewright_commits_of_flow on tidewright_commits (flow, id);
"""

_LOCK = "select pg_advisory_xact_lock(hashtext('tidewright lake layout'))"
_TAKE = """
insert into tidewright_leases (flow, epoch, owner, taken_at)
values (%(flow)s, 1, %(owner)s, clock_timestamp())
on conflict (flow) do update
set epoch = tidewright_leases.epoch + 1, owner = excluded.owner, taken_at = excluded.taken_at
returning epoch
"""
_LAST = """
select id, flow, epoch, token, kind, source, position, tables, state from tidewright_commits
where flow = %s order by id desc limit 1
"""
_HOLD = "select epoch from tidewright_leases where flow = %s for update"
_CREATE = """
insert into iceberg_tables
  (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)
values (%s, %s, %s, %s, 'TABLE') on conflict do nothing
"""
_NAMESPACE = """
insert into iceberg_namespace_properties values (%s, %s, 'exists', 'true') on conflict do nothing
"""
_MOVE = """
update iceberg_tables set metadata_location = %s, previous_metadata_location = metadata_location
where catalog_name = %s and table_namespace = %s and table_name = %s and metadata_location = %s
"""
_RECORD = """
insert into tidewright_commits
  (flow, epoch, token, kind, source, position, newest_ms, oldest_ms, changes, tables, state)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id
"""
_PRUNE = """
delete from tidewright_commits where flow = %(flow)s and id <= (
  select id from tidewright_commits where flow = %(flow)s order by id desc
  offset %(keep)s limit 1)
"""


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """What a commit says of its source: how far, and which commit times (epoch ms) it brings.

    ``state``: what the flow must find again to go on from here, as JSON values.
    """

    position: flow.Position
    newest_ms: int | None = None
    oldest_ms: int | None = None
    changes: int = 0
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TablePoint:
    """Where a table stands after a commit; ``snapshot`` is None until it has had rows."""

    snapshot: int | None
    metadata: str


@dataclass(frozen=True, slots=True)
class CommitRow:
    """One row of ``tidewright_commits``; ``source`` and ``position`` are the texts stored."""

    id: int
    flow: str
    epoch: int
    token: UUID
    kind: str
    source: str
    position: str
    tables: Mapping[str, TablePoint]
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    commit_id: int
    tables: Mapping[str, TablePoint]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed. ``not_there``: a commit in doubt was read back and can never arrive."""

    reason: Literal["lease_lost", "conflict", "not_there"]
    detail: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost; ``Store.read_back(token)`` decides."""

    token: UUID
    detail: str


@dataclass(frozen=True, slots=True)
class Move:
    """One pointer to swap; ``old`` None: the table appears with this commit."""

    name: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class Swap:
    """Everything that one database transaction does."""

    flow: str
    epoch: int
    token: UUID
    facts: CommitFacts
    moves: Sequence[Move]
    tables: Mapping[str, TablePoint]


class Lost(errors.StepFailed, errors.Transient):
    """The catalog database went away or refused; the same act may succeed later."""


class Stop(Exception):
    """Raised inside the transaction so that it rolls back."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.detail)
        self.refused = refused


@contextlib.contextmanager
def reaching(flow_name: str) -> Iterator[None]:
    """Turn what the database says into an error that a person can read."""
    try:
        yield
    except psycopg.Error as reason:
        raise lost(flow_name, reason) from None


def lost(flow_name: str, reason: psycopg.Error) -> Lost:
    """What is wrong when the database itself says so."""
    return Lost(
        "lake.catalog_lost",
        f"the catalog database did not answer: {str(reason).partition(chr(10))[0]}",
        f"flow {flow_name}",
        "Nothing is lost; it is tried again. Look at the log of the catalog's server.",
    )


def split(name: str) -> tuple[str, str]:
    """``bank.users`` as namespace and table."""
    namespace, _, table = name.partition(".")
    return namespace, table


def prepare(conn: psycopg.Connection) -> None:
    """Create the layout where it is missing; safe when several do it at once."""
    with conn.transaction():
        conn.execute(_LOCK)
        conn.execute(LAYOUT)


def take_lease(conn: psycopg.Connection, flow_name: str, owner: str) -> int:
    """A new epoch. Waits for a commit of the older holder that is on its way, then fences it."""
    row = conn.execute(_TAKE, {"flow": flow_name, "owner": owner}).fetchone()
    assert row is not None
    return int(row[0])


def epoch(conn: psycopg.Connection, flow_name: str) -> int | None:
    """The present epoch, after any transaction that holds the lease has ended."""
    row = conn.execute(_HOLD, [flow_name]).fetchone()
    return None if row is None else int(row[0])


def last_commit(conn: psycopg.Connection, flow_name: str) -> CommitRow | None:
    row = conn.execute(_LAST, [flow_name]).fetchone()
    if row is None:
        return None
    number, name, at, token, kind, source, position, tables, state = row
    return CommitRow(number, name, at, token, kind, source, position, points(tables), state)


def points(tables: Mapping[str, Any]) -> dict[str, TablePoint]:
    """The ``tables`` column as records."""
    return {n: TablePoint(t["snapshot"], t["metadata"]) for n, t in sorted(tables.items())}


def pointers(conn: psycopg.Connection) -> dict[str, str]:
    """Every table of the catalog and its metadata location, at one moment."""
    rows = conn.execute(
        "select table_namespace || '.' || table_name, metadata_location from iceberg_tables"
        " where catalog_name = %s and metadata_location is not null",
        [NAME],
    )
    return dict(rows.fetchall())


def find(conn: psycopg.Connection, flow_name: str, token: UUID) -> int | None:
    """The id of the commit with this token, after any transaction in flight has ended."""
    with conn.transaction():
        epoch(conn, flow_name)
        row = conn.execute("select id from tidewright_commits where token = %s", [token]).fetchone()
    return None if row is None else int(row[0])


def swap(conn: psycopg.Connection, order: Swap, before_end: Callable[[], None]) -> int:
    """Fence, swap every pointer, write the row: one transaction. Raises Stop when refused.

    ``before_end`` is called as the last thing before COMMIT.
    """
    with conn.transaction():
        _fence(conn, order)
        for move in sorted(order.moves, key=lambda m: m.name):
            move_pointer(conn, move)
        identity = _record(conn, order)
        before_end()
    return identity


def prune(conn: psycopg.Connection, flow_name: str, keep: int) -> int:
    """Forget all but the newest ``keep`` rows of the flow."""
    return conn.execute(_PRUNE, {"flow": flow_name, "keep": keep}).rowcount


def _fence(conn: psycopg.Connection, order: Swap) -> None:
    present = epoch(conn, order.flow)
    if present != order.epoch:
        detail = f"the lease of flow {order.flow} is at epoch {present}, ours is {order.epoch}"
        raise Stop(Refused("lease_lost", detail))


def move_pointer(conn: psycopg.Connection, move: Move) -> None:
    """Swap one pointer if it still is the expected one. Raises Stop, inside a transaction."""
    namespace, table = split(move.name)
    if move.old is None:
        conn.execute(_NAMESPACE, [NAME, namespace])
        moved = conn.execute(_CREATE, [NAME, namespace, table, move.new])
    else:
        moved = conn.execute(_MOVE, [move.new, NAME, namespace, table, move.old])
    if moved.rowcount != 1:
        raise Stop(Refused("conflict", f"another writer moved {move.name}"))


def _record(conn: psycopg.Connection, order: Swap) -> int:
    facts = order.facts
    tables = {n: {"snapshot": t.snapshot, "metadata": t.metadata} for n, t in order.tables.items()}
    position = facts.position
    row = conn.execute(
        _RECORD,
        [order.flow, order.epoch, order.token, position.kind, str(position.identity),
         position.text, facts.newest_ms, facts.oldest_ms, facts.changes, json.dumps(tables),
         None if facts.state is None else json.dumps(facts.state)],
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])
