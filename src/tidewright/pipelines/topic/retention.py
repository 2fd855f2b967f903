"""What may be removed from a topic: rows that the lake holds, and that are a minute old.

A mark says: every offset up to ``offset`` was committed before ``lsn``. It may be taken because
offsets grow in the order of commits (see ``append``). Once the lake stands at or after ``lsn``, all
of these rows are in it. Marks are kept in memory alone: after a restart rows stay a little longer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from tidewright.clients import topics
from tidewright.model import flow

KEEP = 60.0
AT_ONCE = 50_000

_NEWEST = "select max(topic_offset) from {}"
_REMOVE = """
delete from {} where topic_offset in (
  select topic_offset from {} where topic_offset <= %s order by topic_offset limit %s)
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """``at``: seconds of the caller's clock."""

    offset: int
    lsn: int
    at: float


@dataclass(slots=True)
class Retention:
    """The marks of one topic, and which of them are due. Pure; oldest first."""

    marks: deque[Mark] = field(default_factory=deque)

    def note(self, mark: Mark) -> None:
        """A mark says nothing new unless rows came since the one before."""
        if not self.marks or mark.offset > self.marks[-1].offset:
            self.marks.append(mark)

    def due(self, position: int, now: float, keep: float = KEEP) -> int | None:
        """Up to which offset rows may go, given the lake's position; None: nothing new may."""
        found = None
        while self.marks and self.marks[0].lsn <= position and self.marks[0].at <= now - keep:
            found = self.marks.popleft().offset
        return found


def mark(conn: psycopg.Connection[Any], topic: str, now: float) -> Mark | None:
    """Where the topic stands. The offset is read first: what it counts was committed by then."""
    row = conn.execute(sql.SQL(_NEWEST).format(topics.table(topic))).fetchone()
    if row is None or row[0] is None:
        return None
    end = conn.execute("select pg_current_wal_insert_lsn()::text").fetchone()
    assert end is not None
    return Mark(int(row[0]), flow.lsn_value(end[0]), now)


def remove(conn: psycopg.Connection[Any], topic: str, upto: int) -> int:
    """Remove rows up to an offset, in short transactions; how many."""
    table = topics.table(topic)
    query = sql.SQL(_REMOVE).format(table, table)
    total = 0
    while True:
        gone = conn.execute(query, (upto, AT_ONCE)).rowcount
        total += gone
        if gone < AT_ONCE:
            return total


def all_topics(tables: Iterable[str]) -> tuple[str, ...]:
    """The topics among the names of followed tables."""
    return tuple(t.partition(".")[2] for t in tables if t.startswith(f"{topics.SCHEMA}."))
