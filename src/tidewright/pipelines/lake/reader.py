"""For those who only read: one commit pinned, with every table's place in it.

psycopg alone: refresh, query, verify and the console load no Iceberg library. A pinned commit
stays readable for the grace of ``metadata.Keep`` after it is no longer among the newest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from tidewright import errors
from tidewright.pipelines.lake import catalog

PinnedTable = catalog.TablePoint

_COLUMNS = "id, flow, position, source, newest_ms, tables"
_NEWEST = f"""
select {_COLUMNS} from tidewright_commits
where %(flow)s::text is null or flow = %(flow)s order by id desc limit 1
"""  # noqa: S608  the columns are a constant
_EACH = f"""
select distinct on (flow) {_COLUMNS} from tidewright_commits
where %(flows)s::text[] is null or flow = any(%(flows)s) order by flow, id desc
"""  # noqa: S608  the columns are a constant
_ONE = f"""
select {_COLUMNS} from tidewright_commits
where id = %(id)s and (%(flow)s::text is null or flow = %(flow)s)
"""  # noqa: S608  the same


@dataclass(frozen=True, slots=True)
class Pinned:
    """One commit of each flow that was asked for: how far it came, and where each table stood.

    ``newest_ms``: source commit time of the last transaction that it brought, None when none.
    ``heads``: the commit of each flow; of several flows ``commit_id`` is the newest of them, and
    ``flow``, ``position`` and ``source`` name all.
    """

    commit_id: int
    flow: str
    position: str
    source: str
    newest_ms: int | None
    tables: Mapping[str, PinnedTable]
    heads: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class View:
    """``select * from <source>`` is the table at the pinned commit, in DuckDB."""

    schema: str
    table: str
    source: str


def pin(
    conn: psycopg.Connection, flow: str | None = None, commit_id: int | None = None
) -> Pinned | None:
    """The newest commit (of ``flow``), or the one asked for. None: there is no commit yet."""
    try:
        row = conn.execute(_NEWEST if commit_id is None else _ONE, {"flow": flow, "id": commit_id})
        found = row.fetchone()
    except psycopg.errors.UndefinedTable:
        found = None
    if found is None and commit_id is not None:
        raise errors.Refused(
            "lake.no_such_commit",
            f"the lake has no commit {commit_id}",
            "the catalog",
            "Choose one from the table tidewright_commits; old rows are removed.",
        )
    if found is None:
        return None
    return _pinned(found)


def pin_each(conn: psycopg.Connection, flows: Sequence[str] | None = None) -> Pinned | None:
    """The newest commit of each of these flows (None: of all) as one; None: there is none yet."""
    try:
        rows = conn.execute(_EACH, {"flows": None if flows is None else list(flows)}).fetchall()
    except psycopg.errors.UndefinedTable:
        return None
    found = [_pinned(row) for row in rows]
    if flows is not None:
        found.sort(key=lambda one: flows.index(one.flow))
    return _together(found) if len(found) > 1 else next(iter(found), None)


def _pinned(row: tuple[Any, ...]) -> Pinned:
    number, flow, position, source, newest_ms, tables = row
    points = catalog.points(tables)
    return Pinned(number, flow, position, source, newest_ms, points, {flow: number})


def _together(found: Sequence[Pinned]) -> Pinned:
    newest = [one.newest_ms for one in found if one.newest_ms is not None]
    return Pinned(
        commit_id=max(one.commit_id for one in found),
        flow=", ".join(one.flow for one in found),
        position=", ".join(f"{one.flow} {one.position}" for one in found),
        source=", ".join(f"{one.flow} {one.source}" for one in found),
        newest_ms=max(newest, default=None),
        tables={name: point for one in found for name, point in one.tables.items()},
        heads={flow: number for one in found for flow, number in one.heads.items()},
    )


def views(pinned: Pinned) -> tuple[View, ...]:
    """Every table as a DuckDB source, sorted by name."""
    found = []
    for name, point in sorted(pinned.tables.items()):
        schema, table = catalog.split(name)
        location = point.metadata.replace("'", "''")
        found.append(View(schema, table, f"iceberg_scan('{location}')"))
    return tuple(found)


def statements(pinned: Pinned) -> tuple[str, ...]:
    """SQL that makes one view per table, so that all who read see the same names."""
    found = views(pinned)
    schemas = sorted({v.schema for v in found})
    made = [f"create schema if not exists {_quoted(s)}" for s in schemas]
    for view in found:
        name = f"{_quoted(view.schema)}.{_quoted(view.table)}"
        made.append(f"create or replace view {name} as select * from {view.source}")  # noqa: S608
    return tuple(made)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
