"""Batches into a topic, each exactly once, in one order for all readers.

One transaction holds the batch, the producer's place in the ledger and the producer's own state.
A producer numbers its batches from 1; a number that is there already is answered, not repeated, so
an answer that got lost costs nothing. Appends to one topic take turns: offsets grow in the order
of commits, and whoever has seen an offset has seen all below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from tidewright import errors
from tidewright.clients import topics
from tidewright.pipelines.core import faults
from tidewright.pipelines.topic import pressure, records

_TURN = "select pg_advisory_xact_lock(hashtextextended('topic ' || %s, 0))"
_LAST = """
select sequence, events, checksum, state from ledger.producers where topic = %s and producer = %s
"""
_NOTE = """
insert into ledger.producers (topic, producer, sequence, events, checksum, state)
values (%s, %s, %s, %s, %s, %s)
on conflict (topic, producer) do update set sequence = excluded.sequence, state = excluded.state,
  events = producers.events + excluded.events, checksum = producers.checksum + excluded.checksum,
  at = clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a producer came: its last batch, all its events, and the state it left."""

    sequence: int = 0
    events: int = 0
    checksum: int = 0
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What is appended together. ``state``: what the producer needs to go on after it."""

    sequence: int
    records: Sequence[records.Record]
    state: str | None = None


class Appender:
    """One producer of one topic, on a connection of its own (autocommit, as the owner)."""

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        topic: str,
        producer: str,
        full: pressure.Pressure | None = None,
        fault: faults.Fault = faults.none,
    ) -> None:
        self._conn = conn
        self._topic, self._producer = topic, producer
        self._full = full or pressure.Pressure()
        self._fault = fault
        self._copy = sql.SQL("copy {} (key, value) from stdin").format(topics.table(topic))

    def last(self) -> Place:
        """Where this producer stands; read it at start and after every broken connection."""
        row = self._conn.execute(_LAST, (self._topic, self._producer)).fetchone()
        return Place(row[0], row[1], int(row[2]), row[3]) if row else Place()

    def append(self, batch: Batch) -> bool:
        """Append it; False when this number was appended before. Raises Full while the lake lags.

        Raises Refused when a number is skipped: then two processes produce under one name.
        """
        self._full.check(self._conn, self._topic)
        clean = [records.Record(r.key, records.clean(r.value)) for r in batch.records]
        with self._conn.transaction():
            self._conn.execute(_TURN, (self._topic,))
            before = self.last().sequence
            if batch.sequence <= before:
                return False
            if batch.sequence != before + 1:
                raise _skipped(self._topic, self._producer, before, batch.sequence)
            self._write(clean)
            total = records.checksum(clean)
            who = (self._topic, self._producer, batch.sequence)
            self._conn.execute(_NOTE, (*who, len(clean), total, batch.state))
            self._fault("appended")
        self._fault("append_committed")
        return True

    def _write(self, batch: Sequence[records.Record]) -> None:
        if not batch:
            return
        with self._conn.cursor() as cursor, cursor.copy(self._copy) as copy:
            for record in batch:
                key = None if record.key is None else records.clean(record.key)
                copy.write_row((key, record.value))


def _skipped(topic: str, producer: str, before: int, asked: int) -> errors.Refused:
    return errors.Refused(
        "topic.skipped",
        f"batch {asked} of {producer} cannot follow batch {before}",
        f"topic {topic}",
        "Another process produces under this name. End one of them; the other one goes on.",
    )
