"""What the catalog says about new commits. Cheap enough to ask ten times a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
_HEAD = """
select max(id), coalesce(bool_or(changes > 0), false) from tidewright_commits
where flow = %s and id > %s
"""
_INCLUDED = """
select (extract(epoch from committed_at) * 1000)::bigint, oldest_ms, newest_ms
from tidewright_commits
where flow = %s and id > %s and id <= %s and committed_at >= to_timestamp(%s / 1000.0)
order by id
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest commit, and whether rows changed since the one that was asked about."""

    commit_id: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Included:
    """When a commit was made, and the source's commit times of what is in it (epoch ms)."""

    committed_ms: int
    oldest_ms: int | None
    newest_ms: int | None


def head(conn: Connection, flow: str, after: int) -> Head | None:
    """The newest commit after ``after``; None when there is none, or no catalog yet."""
    try:
        found = conn.execute(_HEAD, [flow, after]).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    if found is None or found[0] is None:
        return None
    return Head(int(found[0]), bool(found[1]))


def included(
    conn: Connection, flow: str, between: tuple[int, int], since_ms: int
) -> tuple[Included, ...]:
    """The commits after the first and up to the second, without those older than ``since_ms``."""
    found = conn.execute(_INCLUDED, [flow, *between, since_ms])
    return tuple(Included(*row) for row in found)
