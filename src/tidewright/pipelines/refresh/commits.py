"""What the catalog says about new commits. Cheap enough to ask ten times a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
# Each flow by itself: a commit of one may become visible after a later number of another.
_HEAD = """
select flow, max(c.id), coalesce(bool_or(changes > 0), false) from tidewright_commits c
join unnest(%s::text[], %s::bigint[]) as known(flow, id) using (flow)
where c.id > known.id group by flow
"""
_INCLUDED = """
select (extract(epoch from committed_at) * 1000)::bigint, oldest_ms, newest_ms
from tidewright_commits c
join unnest(%s::text[], %s::bigint[], %s::bigint[]) as known(flow, low, high) using (flow)
where c.id > low and c.id <= high and committed_at >= to_timestamp(%s / 1000.0)
order by c.id
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest commit of each flow, and whether rows changed since those asked about."""

    ids: Mapping[str, int]
    changed: bool


@dataclass(frozen=True, slots=True)
class Included:
    """When a commit was made, and the source's commit times of what is in it (epoch ms)."""

    committed_ms: int
    oldest_ms: int | None
    newest_ms: int | None


def head(conn: Connection, flows: Sequence[str], after: Mapping[str, int]) -> Head | None:
    """What came after ``after``; None when nothing did, or there is no catalog yet."""
    try:
        known = [after.get(flow, 0) for flow in flows]
        found = conn.execute(_HEAD, [list(flows), known]).fetchall()
    except psycopg.errors.UndefinedTable:
        return None
    if not found:
        return None
    ids = {flow: newest for flow, newest, _ in found}
    return Head({**after, **ids}, any(changed for *_, changed in found))


def included(
    conn: Connection, after: Mapping[str, int], upto: Mapping[str, int], since_ms: int
) -> tuple[Included, ...]:
    """The commits after the first and up to the second, without those older than ``since_ms``."""
    flows = list(upto)
    between = [after.get(flow, 0) for flow in flows], [upto[flow] for flow in flows]
    found = conn.execute(_INCLUDED, [flows, *between, since_ms])
    return tuple(Included(*row) for row in found)
