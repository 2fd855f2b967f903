"""Events of any number into a topic, inside a transaction of the caller.

The same order as ``topic.append``: adders of one topic take turns, so that offsets grow in the
order of commits, and the ledger of producers counts and sums what was added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from tidewright.clients import topics
from tidewright.pipelines.topic import records

_TURN = "select pg_advisory_xact_lock(hashtextextended('topic ' || %s, 0))"
_NOTE = """
insert into ledger.producers (topic, producer, sequence, events, checksum)
values (%s, %s, 1, %s, %s)
on conflict (topic, producer) do update set sequence = producers.sequence + 1,
  events = producers.events + excluded.events, checksum = producers.checksum + excluded.checksum,
  at = clock_timestamp()
"""


def take_turn(conn: psycopg.Connection[Any], topic: str) -> None:
    """Wait until nobody else adds to the topic; held until the transaction ends."""
    conn.execute(_TURN, (topic,))


def add(
    conn: psycopg.Connection[Any], topic: str, producer: str, news: Sequence[records.Record]
) -> None:
    """Add the events, and note them in the producer's name."""
    if not news:
        return
    command = sql.SQL("copy {} (key, value) from stdin").format(topics.table(topic))
    with conn.cursor() as cursor, cursor.copy(command) as copy:
        for record in news:
            copy.write_row((record.key, record.value))
    conn.execute(_NOTE, (topic, producer, len(news), records.checksum(news)))
