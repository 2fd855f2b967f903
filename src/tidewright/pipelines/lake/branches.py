"""Branches of the whole catalog: table pointers beside main's, made by one run, judged, merged.

A branch begins as main's pointers at one commit; what the run writes are ordinary Iceberg files
that only the branch points at. ``merge`` is the one place where they become main's: one database
transaction that fences, compares and swaps. psycopg alone is used here; the files of a branch are
made in ``workspace`` and removed in ``sweep``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

import psycopg

from tidewright.model import codec, observed
from tidewright.pipelines.lake import catalog

# running: a run writes or audits it. green, red: audited. failed: its run did not get that far.
# stale: main moved under it. Only merged and dropped ones are gone.
State: TypeAlias = Literal["running", "green", "red", "failed", "stale", "merged", "dropped"]
GONE = ("merged", "dropped")
KIND = "run"
KEEP = 10_000

LAYOUT = """
create table if not exists tidewright_branches (
  id bigint generated always as identity primary key,
  name text not null unique, flow text not null, epoch bigint not null,
  base bigint, pointers jsonb not null,
  state text not null, message text not null default '',
  touched jsonb not null default '{}', checks jsonb not null default '[]',
  merged bigint, freed boolean not null default false,
  made_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp());
create table if not exists tidewright_branched (
  flow text not null, name text not null, primary key (flow, name));
"""

_MAKE = """
with number as (
  select nextval(pg_get_serial_sequence('tidewright_branches', 'id')) as id)
insert into tidewright_branches (id, name, flow, epoch, base, pointers, state)
overriding system value
select id, 'run-' || id, %(flow)s, %(epoch)s,
  (select max(c.id) from tidewright_commits c where c.flow = %(flow)s),
  coalesce((select jsonb_object_agg(table_namespace || '.' || table_name, metadata_location)
    from iceberg_tables where catalog_name = %(catalog)s and metadata_location is not null), '{}'),
  'running'
from number returning name
"""
_COLUMNS = """
name, flow, epoch, base, pointers, state, message, touched, checks, merged,
(extract(epoch from made_at) * 1000)::bigint, (extract(epoch from changed_at) * 1000)::bigint
"""
_SELECT = f"select {_COLUMNS} from tidewright_branches"  # noqa: S608  the columns are a constant
_CHANGE = """
update tidewright_branches set state = %(state)s, message = %(message)s,
  touched = coalesce(%(touched)s, touched), checks = coalesce(%(checks)s, checks),
  changed_at = clock_timestamp()
where name = %(name)s and epoch = %(epoch)s and state = 'running'
"""
_END = """
update tidewright_branches set state = %(to)s, message = %(message)s, merged = %(merged)s,
  changed_at = clock_timestamp()
where name = %(name)s
"""
_LEFT = """
update tidewright_branches set state = 'failed', changed_at = clock_timestamp(),
  message = 'its run was cut off: the process ended before it was audited'
where flow = %s and epoch < %s and state = 'running' returning name
"""
_COMMIT = """
insert into tidewright_commits (flow, epoch, token, kind, source, position, changes, tables)
values (%(flow)s, %(epoch)s, %(token)s, %(kind)s, %(source)s, %(position)s, %(changes)s,
  coalesce((select tables from tidewright_commits where flow = %(flow)s order by id desc limit 1),
    '{}') || %(tables)s::jsonb)
returning id
"""
_MERGED = """
select distinct on (t.key) t.key, t.value
from tidewright_branches b, jsonb_each(b.touched) t
where b.flow = %s and b.merged is not null order by t.key, b.id desc
"""
_PRUNE = """
delete from tidewright_branches where flow = %(flow)s and freed and id <= (
  select id from tidewright_branches where flow = %(flow)s order by id desc
  offset %(keep)s limit 1)
"""


@dataclass(frozen=True, slots=True)
class Touched:
    """One table as a branch has it. ``base``: main's pointer that it began from, None for a new
    table. ``rows``: of the whole table, ``added`` by this run.
    """

    base: str | None
    metadata: str
    snapshot: int | None
    rows: int
    added: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A row of ``tidewright_branches``. ``base``: the commit of main it was made from."""

    name: str
    flow: str
    epoch: int
    base: int | None
    pointers: Mapping[str, str]
    state: State
    message: str
    touched: Mapping[str, Touched]
    checks: tuple[observed.CheckState, ...]
    merged: int | None
    made_ms: int
    changed_ms: int

    @property
    def tables(self) -> dict[str, catalog.TablePoint]:
        """What a reader of this branch sees: main's tables as they were, and its own over them."""
        found = {n: catalog.TablePoint(None, m) for n, m in self.pointers.items()}
        mine = {n: catalog.TablePoint(t.snapshot, t.metadata) for n, t in self.touched.items()}
        return found | mine


@dataclass(frozen=True, slots=True)
class Wrong:
    """A refusal that changed nothing. ``moved``: main has another state of these tables now."""

    reason: Literal["lease_lost", "conflict", "not_green", "no_such"]
    detail: str
    moved: tuple[str, ...] = ()


class _Stop(Exception):
    """Raised inside a transaction so that it rolls back."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.detail)
        self.wrong = wrong


@dataclass(frozen=True, slots=True)
class Order:
    """What to merge. ``epoch`` None: a person asks, who holds no lease; the row lock serves."""

    flow: str
    branch: str
    token: UUID
    epoch: int | None = None
    fault: Callable[[str], None] = field(default=lambda point: None)


def prepare(conn: psycopg.Connection) -> None:
    """Create the layout of the catalog and of branches where it is missing."""
    catalog.prepare(conn)
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(hashtext('tidewright lake layout'))")
        conn.execute(LAYOUT)


def make(conn: psycopg.Connection, flow: str, epoch: int) -> str | Wrong:
    """A new branch of main as it is now; returns its name. Fenced like every write."""
    try:
        with conn.transaction():
            _fence(conn, flow, epoch)
            told = {"flow": flow, "epoch": epoch, "catalog": catalog.NAME}
            row = conn.execute(_MAKE, told).fetchone()
    except _Stop as stop:
        return stop.wrong
    assert row is not None
    return str(row[0])


def will_write(conn: psycopg.Connection, flow: str, tables: Sequence[str]) -> None:
    """Remember whose folders these are, before the first file: ``sweep`` looks nowhere else."""
    for name in tables:
        conn.execute(
            "insert into tidewright_branched values (%s, %s) on conflict do nothing", [flow, name]
        )


def point(conn: psycopg.Connection, branch: Branch, touched: Mapping[str, Touched]) -> bool:
    """The branch shows these files. False: it is not ours any more."""
    return _change(conn, branch, "running", "written, not audited yet", touched=touched)


def judge(
    conn: psycopg.Connection, branch: Branch, checks: Sequence[observed.CheckState], message: str
) -> bool:
    """The audit's answer. False: the branch is not ours any more."""
    state: State = "green" if all(c.ok for c in checks) else "red"
    return _change(conn, branch, state, message, checks=checks)


def fail(conn: psycopg.Connection, branch: Branch, message: str) -> bool:
    """Its run ended before the audit's answer. What it wrote stays to be looked at."""
    return _change(conn, branch, "failed", message)


def merge(conn: psycopg.Connection, order: Order) -> int | Wrong:
    """Fence, compare, swap every pointer, write the commits row: one transaction.

    Returns the commit's id, also when the branch was merged before. A connection's error means
    that the outcome is unknown: ``find`` on a new one says what became of it.
    """
    try:
        with conn.transaction():
            epoch = _fence(conn, order.flow, order.epoch)
            branch = _locked(conn, order.branch)
            if branch.merged is not None:
                return branch.merged
            _refuse_unless_green(branch)
            moved = _moved(conn, branch)
            if moved:
                raise _Stop(Wrong("conflict", f"main moved under {', '.join(moved)}", moved))
            for name, table in sorted(branch.touched.items()):
                catalog.move_pointer(conn, catalog.Move(name, table.base, table.metadata))
            identity = _record(conn, order, branch, epoch)
            order.fault("merge_before_end")
    except _Stop as stop:
        return stop.wrong
    except catalog.Stop as stop:
        return Wrong("conflict", stop.refused.detail)
    order.fault("merged")
    return identity


def end(conn: psycopg.Connection, name: str, to: State, message: str) -> bool:
    """``stale`` or ``dropped``. False: it is merged, or gone already."""
    with conn.transaction():
        found = find(conn, name, lock=True)
        if found is None or found.state in GONE:
            return False
        told = {"name": name, "to": to, "message": message, "merged": None}
        conn.execute(_END, told)
    return True


def forget(conn: psycopg.Connection, branch: Branch) -> None:
    """A run that found nothing new leaves no trace."""
    conn.execute(
        "delete from tidewright_branches where name = %s and state = 'running' and touched = '{}'",
        [branch.name],
    )


def merged_rows(conn: psycopg.Connection, flow: str) -> dict[str, Touched]:
    """Each table as the last merged run that touched it left it."""
    rows = conn.execute(_MERGED, [flow]).fetchall()
    return {name: codec.decode(Touched, touched) for name, touched in rows}


def left_behind(conn: psycopg.Connection, flow: str, epoch: int) -> tuple[str, ...]:
    """Mark the branches of runs that an older holder of the lease began and never finished."""
    return tuple(name for (name,) in conn.execute(_LEFT, [flow, epoch]).fetchall())


def find(conn: psycopg.Connection, name: str, *, lock: bool = False) -> Branch | None:
    """One branch by name, gone ones included. ``lock``: wait for who changes it."""
    row = conn.execute(
        f"{_SELECT} where name = %s {'for update' if lock else ''}", [name]
    ).fetchone()
    return None if row is None else _branch(row)


def every(
    conn: psycopg.Connection, flow: str | None = None, *, gone: bool = False
) -> tuple[Branch, ...]:
    """The branches that are there, oldest first; with ``gone`` the history too."""
    try:
        rows = conn.execute(
            f"{_SELECT} where (%(flow)s::text is null or flow = %(flow)s)"
            " and (%(gone)s or state <> all(%(over)s)) order by id",
            {"flow": flow, "gone": gone, "over": list(GONE)},
        ).fetchall()
    except psycopg.errors.UndefinedTable:
        return ()
    return tuple(_branch(row) for row in rows)


def needed(conn: psycopg.Connection, since: float) -> tuple[Branch, ...]:
    """The branches whose files somebody may read: those there, and those gone after ``since``."""
    rows = conn.execute(
        f"{_SELECT} where state <> all(%s) or changed_at >= to_timestamp(%s) order by id",
        [list(GONE), since],
    )
    return tuple(_branch(row) for row in rows.fetchall())


def names(conn: psycopg.Connection, flow: str) -> tuple[str, ...]:
    """Every table that a branch of this flow ever wrote, and so owns the folder of."""
    rows = conn.execute("select name from tidewright_branched where flow = %s", [flow])
    return tuple(sorted(name for (name,) in rows.fetchall()))


def prune(conn: psycopg.Connection, flow: str, keep: int = KEEP) -> int:
    """Forget all but the newest ``keep`` runs; a branch that is still there stays."""
    return conn.execute(_PRUNE, {"flow": flow, "keep": keep}).rowcount


# -- inside a transaction -------------------------------------------------------------------


def _fence(conn: psycopg.Connection, flow: str, mine: int | None) -> int:
    """Wait for who holds the lease's row, then refuse an older holder."""
    present = catalog.epoch(conn, flow)
    if present is None or (mine is not None and present != mine):
        detail = f"the lease of flow {flow} is at epoch {present}, ours is {mine}"
        raise _Stop(Wrong("lease_lost", detail))
    return present


def _locked(conn: psycopg.Connection, name: str) -> Branch:
    found = find(conn, name, lock=True)
    if found is None or found.state == "dropped":
        raise _Stop(Wrong("no_such", f"there is no branch {name}"))
    return found


def _refuse_unless_green(branch: Branch) -> None:
    if branch.state == "stale":
        raise _Stop(Wrong("conflict", branch.message, _stale(branch)))
    if branch.state != "green":
        detail = f"{branch.name} is {branch.state}: {branch.message or 'not audited yet'}"
        raise _Stop(Wrong("not_green", detail))


def _stale(branch: Branch) -> tuple[str, ...]:
    return tuple(sorted(branch.touched))


def _moved(conn: psycopg.Connection, branch: Branch) -> tuple[str, ...]:
    """The tables that the branch touched and main shows otherwise than when it was made."""
    present = catalog.pointers(conn)
    return tuple(sorted(n for n, t in branch.touched.items() if present.get(n) != t.base))


def _record(conn: psycopg.Connection, order: Order, branch: Branch, epoch: int) -> int:
    points = {
        n: {"snapshot": t.snapshot, "metadata": t.metadata} for n, t in branch.touched.items()
    }
    told = {
        "flow": order.flow, "epoch": epoch, "token": order.token, "kind": KIND,
        "source": order.flow, "position": branch.name, "tables": json.dumps(points),
        "changes": max(1, sum(t.added for t in branch.touched.values())),
    }  # fmt: skip
    row = conn.execute(_COMMIT, told).fetchone()
    assert row is not None
    identity = int(row[0])
    message = f"merged as commit {identity}"
    conn.execute(
        _END, {"name": branch.name, "to": "merged", "message": message, "merged": identity}
    )
    return identity


def _change(
    conn: psycopg.Connection,
    branch: Branch,
    state: State,
    message: str,
    *,
    touched: Mapping[str, Touched] | None = None,
    checks: Sequence[observed.CheckState] | None = None,
) -> bool:
    told = {
        "name": branch.name, "epoch": branch.epoch, "state": state, "message": message,
        "touched": None if touched is None else codec.dumps(dict(touched)),
        "checks": None if checks is None else codec.dumps(tuple(checks)),
    }  # fmt: skip
    with conn.transaction():
        # An older holder's run may still be about when a new one has begun.
        if catalog.epoch(conn, branch.flow) != branch.epoch:
            return False
        return conn.execute(_CHANGE, told).rowcount == 1


def _branch(row: Sequence[Any]) -> Branch:
    name, flow, epoch, base, pointers, state, message, touched, checks, merged, made, changed = row
    return Branch(
        name, flow, epoch, base, pointers, state, message,
        codec.decode(Mapping[str, Touched], touched),
        codec.decode(tuple[observed.CheckState, ...], checks),
        merged, made, changed,
    )  # fmt: skip
