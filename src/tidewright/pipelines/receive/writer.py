"""Batches into the topic, each once, several in one transaction.

One transaction holds the good events, the rejected ones and the receipt of each batch, so a batch
that comes again is recognised, whatever became of the first answer. A connection that breaks leaves
it open whether the commit was done; the same batches are tried again, and the receipts decide.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg

from tidewright import errors
from tidewright.pipelines.core import faults
from tidewright.pipelines.receive import adding, judge
from tidewright.pipelines.topic import pressure, records

# In the ledger of producers, where the user-events platform has its pulls.
PRODUCER = "receive"
AT_ONCE = 16
MOST_BYTES = 32 << 20
PAUSE = 0.5
KEEP_DAYS = 7
_RECEIPTS = """
create table if not exists ledger.receipts (
  topic text not null, batch text not null, digest text not null, taken int not null,
  rejected int not null, at timestamptz not null default clock_timestamp(),
  primary key (topic, batch))
"""
_NOTE = """
insert into ledger.receipts (topic, batch, digest, taken, rejected) values (%s, %s, %s, %s, %s)
on conflict do nothing
"""
_KNOWN = "select taken, rejected, digest from ledger.receipts where topic = %s and batch = %s"
_FORGET = """
delete from ledger.receipts where (topic, batch) in (
  select topic, batch from ledger.receipts
  where at < clock_timestamp() - make_interval(days => %s) limit 20000)
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request brought. ``name``: the sender's own name of it, or one we made up."""

    name: str
    verdict: judge.Verdict
    bytes: int
    digest: str
    answer: Future[Receipt] = field(default_factory=lambda: Future())


@dataclass(frozen=True, slots=True)
class Receipt:
    """``repeated``: the batch was there already, and nothing was added."""

    taken: int
    rejected: int
    repeated: bool


class Conflict(errors.Refused):
    """The name of a batch was used before, for other events."""


class Busy(errors.Refused, errors.Transient):
    """As much waits as may; the sender tries again."""


@dataclass(frozen=True, slots=True)
class Place:
    """The topics that a writer writes."""

    topic: str
    rejects: str


Connect = Callable[[], "psycopg.Connection[Any]"]


class Writer:
    """One thread that commits; ``put`` is called from others."""

    def __init__(
        self,
        connect: Connect,
        place: Place,
        fault: faults.Fault = faults.none,
        full: pressure.Pressure | None = None,
    ) -> None:
        self._connect, self._place, self._fault = connect, place, fault
        self._full = full or pressure.Pressure()
        self._waiting: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._conn: psycopg.Connection[Any] | None = None
        self._next_care = 0.0
        self.problem = "connecting to the log"
        self.commits = self.taken = self.rejected = self.failed = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Finish what waits, if that is possible in time."""
        self._waiting.put(None)
        self._thread.join(seconds)

    def put(self, batch: Batch) -> Future[Receipt]:
        """Answered when it is committed. Raises Busy while too much waits."""
        with self._lock:
            if self._bytes + batch.bytes > MOST_BYTES or self.problem:
                why = self.problem or f"{self._bytes >> 20} MB wait to be committed"
                hint = "Send it again in a moment."
                raise Busy("topic.busy", why, f"topic {self._place.topic}", hint)
            self._bytes += batch.bytes
        self._waiting.put(batch)
        return batch.answer

    def _run(self) -> None:
        group: list[Batch] = []
        while True:
            group = group or self._next()
            if not group:
                return
            try:
                receipts = self._commit(group)
            except (psycopg.Error, errors.PlatformError) as reason:
                self.failed += 1
                self._broken(reason)
                continue
            for batch, receipt in zip(group, receipts, strict=True):
                self._answer(batch, receipt)
            group = []

    def _next(self) -> list[Batch]:
        """What waits, waiting for the first; empty at the end."""
        while True:
            self._care()
            with contextlib.suppress(queue.Empty):
                first = self._waiting.get(timeout=0.25)
                break
        found = []
        while first is not None:
            found.append(first)
            if len(found) == AT_ONCE:
                break
            try:
                first = self._waiting.get_nowait()
            except queue.Empty:
                break
        if first is None and found:
            self._waiting.put(None)  # end after these
        return found

    def _care(self) -> None:
        """Between batches: is the log there, is it full, are there old receipts?"""
        if time.monotonic() < self._next_care:
            return
        self._next_care = time.monotonic() + 0.25
        try:
            conn = self._session()
            self._full.check(conn, self._place.topic)
            conn.execute(_FORGET, [KEEP_DAYS])
            self.problem = ""
        except (psycopg.Error, errors.PlatformError) as reason:
            self._broken(reason)

    def _commit(self, group: Sequence[Batch]) -> list[Receipt | Conflict]:
        conn = self._session()
        with conn.transaction():
            for topic in sorted({self._place.topic, self._place.rejects}):
                adding.take_turn(conn, topic)
            answers = [self._note(conn, batch) for batch in group]
            fresh = [b for b, a in zip(group, answers, strict=True) if _is_new(a)]
            good = [records.Record(None, text) for b in fresh for text in b.verdict.taken]
            bad = [_reject(b.name, r) for b in fresh for r in b.verdict.rejected]
            adding.add(conn, self._place.topic, PRODUCER, good)
            adding.add(conn, self._place.rejects, PRODUCER, bad)
            self._fault("received")
        self._fault("receive_committed")
        self.problem = ""
        self.commits += 1
        self.taken += len(good)
        self.rejected += len(bad)
        return answers

    def _note(self, conn: psycopg.Connection[Any], batch: Batch) -> Receipt | Conflict:
        sizes = (len(batch.verdict.taken), len(batch.verdict.rejected))
        topic = self._place.topic
        new = conn.execute(_NOTE, (topic, batch.name, batch.digest, *sizes)).rowcount == 1
        if new:
            return Receipt(*sizes, repeated=False)
        row = conn.execute(_KNOWN, (topic, batch.name)).fetchone()
        assert row is not None
        if row[2] != batch.digest:
            return Conflict(
                "topic.batch_reused", "this Idempotency-Key was used for other events",
                f"batch {batch.name}", "Give each batch a name of its own.",
            )  # fmt: skip
        return Receipt(row[0], row[1], repeated=True)

    def _answer(self, batch: Batch, receipt: Receipt | Conflict) -> None:
        with self._lock:
            self._bytes -= batch.bytes
        if batch.answer.cancelled():
            return
        with contextlib.suppress(Exception):  # the asker may have gone in this very moment
            if isinstance(receipt, Conflict):
                batch.answer.set_exception(receipt)
            else:
                batch.answer.set_result(receipt)

    def _broken(self, reason: Exception) -> None:
        """Say why, let go of the connection, breathe."""
        what = reason.what if isinstance(reason, errors.PlatformError) else str(reason)
        self.problem = what.partition("\n")[0] or type(reason).__name__
        if not isinstance(reason, pressure.Full):
            if self._conn is not None:
                self._conn.close()
            self._conn = None
        time.sleep(PAUSE)

    def _session(self) -> psycopg.Connection[Any]:
        if self._conn is None or self._conn.closed:
            self._conn = self._connect()
            self._conn.execute("set client_min_messages = warning")
            self._conn.execute(_RECEIPTS)
        return self._conn


def digest(body: bytes) -> str:
    """By which a repeated batch is known to be the same."""
    return hashlib.sha256(body).hexdigest()[:32]


def _is_new(answer: Receipt | Conflict) -> bool:
    return isinstance(answer, Receipt) and not answer.repeated


def _reject(batch: str, found: judge.Rejected) -> records.Record:
    head = orjson.dumps({"batch": batch, "number": found.number, "reason": found.reason}).decode()
    return records.Record(None, f'{head[:-1]},"event":{found.value}}}')
