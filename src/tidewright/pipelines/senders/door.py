"""A script's way to the endpoint: batches of events, each sent until it is acknowledged."""

from __future__ import annotations

import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

import orjson

from tidewright import errors
from tidewright.pipelines.senders import ledger

MOST_EVENTS = 500
TIMEOUT = 15.0
SIDE_BY_SIDE = 16
OK = 200
BUSY = (408, 429, 503)


class Refusal(errors.StepFailed):
    """The endpoint will never take this batch."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What came back for a batch, and when; a status of 0 when nothing did, with the reason."""

    at: float
    status: int
    answer: Any


class Door:
    """``send`` is the script's; ``breathe`` is called while the endpoint keeps us waiting.

    Batches are on their way side by side, as those of many visitors would be, while the script
    makes the next ones. The book is kept by the thread that calls.
    """

    def __init__(
        self, url: str, token: str, book: ledger.Ledger, breathe: Callable[[str], None]
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        self._host, self._path = parts.netloc, parts.path
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Connection": "keep-alive",
        }
        self._book, self._breathe = book, breathe
        self._own = threading.local()
        self._connections: list[HTTPConnection] = []
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, "door")
        self._flying: deque[tuple[ledger.Batch, Future[_Found]]] = deque()
        self._rested = 0.0
        self.sent = self.taken = self.rejected = 0

    def again(self) -> None:
        """Send what an earlier process left without an answer."""
        for batch in self._book.waiting():
            self._fly(batch)
        self.settle()

    def send(self, events: Sequence[Any]) -> int:
        """Send these events, in batches of at most 500; how many were sent.

        ``bytes`` among them are sent as they are, so that a script can send what is no event.
        """
        for first in range(0, len(events), MOST_EVENTS):
            part = events[first : first + MOST_EVENTS]
            texts = [e if isinstance(e, bytes) else orjson.dumps(e) for e in part]
            batch = ledger.Batch(str(uuid4()), len(part), b"[" + b",".join(texts) + b"]")
            self._book.send(batch)
            self._fly(batch)
            self._land(SIDE_BY_SIDE)
        return len(events)

    def settle(self) -> None:
        """Until everything that was sent has its answer. Raises Refusal, as ``send`` may."""
        self._land(0)

    def close(self) -> None:
        """What has no answer yet stays in the book."""
        self._pool.shutdown(cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def _fly(self, batch: ledger.Batch) -> None:
        self._flying.append((batch, self._pool.submit(self._ask, batch)))

    def _land(self, most: int) -> None:
        """Until at most ``most`` are without an answer."""
        while len(self._flying) > most:
            batch, waited = self._flying.popleft()
            found = waited.result()
            why = _try_again(found)
            if not why:
                self._answered(batch, found)
                continue
            if found.at > self._rested:  # else we have rested since it was told to wait
                self._breathe(why)
                self._rested = time.monotonic()
            self._fly(batch)

    def _answered(self, batch: ledger.Batch, found: _Found) -> None:
        if found.status != OK:
            raise _refused(batch, found)
        taken, rejected = int(found.answer["accepted"]), int(found.answer["rejected"])
        self._book.acknowledged(batch.name, taken, rejected)
        self.sent += batch.events
        self.taken += taken
        self.rejected += rejected

    def _ask(self, batch: ledger.Batch) -> _Found:
        """Each thread has a connection of its own."""
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = HTTPConnection(self._host, timeout=TIMEOUT)
            self._connections.append(connection)
        headers = self._headers | {"Idempotency-Key": batch.name}
        try:
            connection.request("POST", self._path, batch.body, headers)
            answer = connection.getresponse()
            status, body = answer.status, orjson.loads(answer.read())
        except (OSError, HTTPException) as reason:
            connection.close()  # it opens itself again at the next request
            return _Found(time.monotonic(), 0, reason)
        return _Found(time.monotonic(), status, body)


def _try_again(found: _Found) -> str:
    """Why this batch has to be sent once more; empty when it need not be."""
    if not found.status:
        return f"the endpoint does not answer: {found.answer}"
    if found.status in BUSY:
        return f"the endpoint is busy: {found.answer.get('error', found.status)}"
    return ""


def _refused(batch: ledger.Batch, found: _Found) -> Refusal:
    return Refusal(
        "topic.batch_refused",
        f"the endpoint answered {found.status}: {found.answer.get('error', 'no reason given')}",
        f"batch {batch.name}", "Correct the script that made the batch.",
    )  # fmt: skip
