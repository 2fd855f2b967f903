"""A script's way to the endpoint: batches of events, each sent until it is acknowledged."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

import orjson

from tidewright import errors
from tidewright.pipelines.senders import ledger

MOST_EVENTS = 500
TIMEOUT = 15.0
SIDE_BY_SIDE = 4
BUSY = (408, 429, 503)


class Refusal(errors.StepFailed):
    """The endpoint will never take this batch."""


class Door:
    """``send`` is the script's; ``breathe`` is called while the endpoint keeps us waiting.

    Batches of one call are on their way side by side, as those of many visitors would be.
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
        self.sent = self.taken = self.rejected = 0

    def again(self) -> None:
        """Send what an earlier process left without an answer."""
        self._send(self._book.waiting())

    def send(self, events: Sequence[Any]) -> int:
        """Send these events, in batches of at most 500; how many were sent.

        ``bytes`` among them are sent as they are, so that a script can send what is no event.
        """
        batches = []
        for first in range(0, len(events), MOST_EVENTS):
            part = events[first : first + MOST_EVENTS]
            texts = [e if isinstance(e, bytes) else orjson.dumps(e) for e in part]
            batches.append(ledger.Batch(str(uuid4()), len(part), b"[" + b",".join(texts) + b"]"))
            self._book.send(batches[-1])
        self._send(batches)
        return len(events)

    def close(self) -> None:
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()

    def _send(self, batches: ledger.Batches) -> None:
        """Until each has its answer. The book is kept by this thread alone."""
        while batches:
            waiting: list[ledger.Batch] = []
            why, refused = "", None
            for batch, found in zip(batches, self._pool.map(self._ask, batches), strict=True):
                if isinstance(found, Exception):
                    waiting.append(batch)
                    why = f"the endpoint does not answer: {found}"
                elif found[0] in BUSY:
                    waiting.append(batch)
                    why = f"the endpoint is busy: {found[1].get('error', found[0])}"
                elif found[0] != 200:
                    refused = _refused(batch, *found)
                else:
                    self._answered(batch, found[1])
            if refused is not None:
                raise refused
            batches = waiting
            if batches:
                self._breathe(why)

    def _answered(self, batch: ledger.Batch, answer: Any) -> None:
        taken, rejected = int(answer["accepted"]), int(answer["rejected"])
        self._book.acknowledged(batch.name, taken, rejected)
        self.sent += batch.events
        self.taken += taken
        self.rejected += rejected

    def _ask(self, batch: ledger.Batch) -> tuple[int, Any] | Exception:
        """Status and answer, or why there is none. Each thread has a connection of its own."""
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = HTTPConnection(self._host, timeout=TIMEOUT)
            self._connections.append(connection)
        headers = self._headers | {"Idempotency-Key": batch.name}
        try:
            connection.request("POST", self._path, batch.body, headers)
            answer = connection.getresponse()
            return answer.status, orjson.loads(answer.read())
        except (OSError, HTTPException) as reason:
            connection.close()  # it opens itself again at the next request
            return reason


def _refused(batch: ledger.Batch, status: int, answer: Any) -> Refusal:
    return Refusal(
        "topic.batch_refused",
        f"the endpoint answered {status}: {answer.get('error', 'no reason given')}",
        f"batch {batch.name}", "Correct the script that made the batch.",
    )  # fmt: skip
