"""A script's way to the endpoint: batches of events, each sent until it is acknowledged."""

from __future__ import annotations

import http.client
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import orjson

from tidewright import errors
from tidewright.pipelines.senders import ledger

MOST_EVENTS = 500
TIMEOUT = 15.0


class Refusal(errors.StepFailed):
    """The endpoint will never take this batch."""


class Door:
    """``send`` is the script's; ``breathe`` is called while the endpoint keeps us waiting."""

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
        self._connection: http.client.HTTPConnection | None = None
        self.sent = self.taken = self.rejected = 0

    def again(self) -> None:
        """Send what an earlier process left without an answer."""
        for batch in self._book.waiting():
            self._send(batch)

    def send(self, events: Sequence[Any]) -> int:
        """Send these events, in batches of at most 500; how many were sent.

        ``bytes`` among them are sent as they are, so that a script can send what is no event.
        """
        for first in range(0, len(events), MOST_EVENTS):
            part = events[first : first + MOST_EVENTS]
            texts = [e if isinstance(e, bytes) else orjson.dumps(e) for e in part]
            batch = ledger.Batch(str(uuid4()), len(part), b"[" + b",".join(texts) + b"]")
            self._book.send(batch)
            self._send(batch)
        return len(events)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _send(self, batch: ledger.Batch) -> None:
        while True:
            try:
                status, answer = self._ask(batch)
            except (OSError, http.client.HTTPException) as reason:
                self.close()
                self._breathe(f"the endpoint does not answer: {reason}")
                continue
            if status == 200:
                break
            if status not in (408, 429, 503):
                text = answer.get("error", "no reason given")
                raise Refusal(
                    "topic.batch_refused", f"the endpoint answered {status}: {text}",
                    f"batch {batch.name}", "Correct the script that made the batch.",
                )  # fmt: skip
            self._breathe(f"the endpoint is busy: {answer.get('error', status)}")
        taken, rejected = int(answer["accepted"]), int(answer["rejected"])
        self._book.acknowledged(batch.name, taken, rejected)
        self.sent += batch.events
        self.taken += taken
        self.rejected += rejected

    def _ask(self, batch: ledger.Batch) -> tuple[int, Any]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT)
        headers = self._headers | {"Idempotency-Key": batch.name}
        self._connection.request("POST", self._path, batch.body, headers)
        answer = self._connection.getresponse()
        return answer.status, orjson.loads(answer.read())
