"""When a topic is full: what the log server holds and the lake does not yet have, in bytes.

Every producer asks before it appends. The limit is far below the WAL cap of the server, so that
the slot is never given up: producers wait instead, and say so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg

from tidewright import errors

LIMIT = 512 << 20
EVERY = 0.25

# Without a slot nothing is carried yet, and the tables themselves are what waits.
_BEHIND = """
select coalesce(
  (select max(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn))::bigint
   from pg_replication_slots where not temporary and database = current_database()),
  (select sum(pg_relation_size(c.oid))::bigint
   from pg_class c where c.relnamespace = 'topics'::regnamespace and c.relkind = 'r'),
  0)
"""


class Full(errors.Refused, errors.Transient):
    """The topic takes nothing now; the same append may succeed in a moment."""


class Pressure:
    """Asks the server at most a few times a second."""

    def __init__(self, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._next = 0.0
        self.behind = 0

    def look(self, conn: psycopg.Connection[Any]) -> int:
        """Bytes that are not in the lake yet, as of a moment ago."""
        if self._clock() >= self._next:
            row = conn.execute(_BEHIND).fetchone()
            self.behind = int(row[0]) if row else 0
            self._next = self._clock() + EVERY
        return self.behind

    def check(self, conn: psycopg.Connection[Any], topic: str) -> None:
        """Raise Full when as much waits as may."""
        behind = self.look(conn)
        if behind >= self._limit:
            raise Full(
                "topic.full",
                f"{behind >> 20} MB of events wait to be carried into the lake, of at most "
                f"{self._limit >> 20} MB",
                f"topic {topic}",
                "It goes on by itself when capture has caught up; see `tidewright status`.",
            )
