"""The HTTP side: who may send, how much, how fast, and what the answers mean.

200 the batch is committed, 400 it cannot be read, 401 the token is wrong, 404 and 405 the way is,
408 it came too slowly, 409 its name was used for other events, 413 it is too large, 415 it is of
another type, 429 and 503 try again after the seconds that Retry-After says.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from tidewright.pipelines.receive import judge, writer

MOST_BODY = 1 << 20
MOST_HEARD = 8 << 20
BODY_SECONDS = 5.0
COMMIT_SECONDS = 8.0
# Bodies in memory at once: with MOST_BODY this bounds what a flood can take.
MOST_BODIES = 64
_KINDS: Mapping[str, judge.Kind] = {
    "application/json": "array",
    "application/x-ndjson": "lines",
    "application/jsonlines": "lines",
}
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(slots=True)
class Counts:
    """Requests by status, and how long good ones took (seconds, the newest few thousand)."""

    by_status: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, status: int, took: float) -> None:
        self.by_status[status] = self.by_status.get(status, 0) + 1
        if status == 200:
            self.seconds.append(took)
            del self.seconds[:-4000]


class Answer(Exception):
    """The request ends here with this status."""

    def __init__(self, status: int, **body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Front:
    """The ASGI application of one endpoint."""

    def __init__(self, path: str, token: str, check: judge.Check, store: writer.Writer) -> None:
        self._path, self._token = path, token.encode()
        self._check, self._store = check, store
        self._bodies = 0
        self.counts = Counts()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began = time.monotonic()
        try:
            answer = await self._answer(scope, receive)
        except Answer as found:
            answer = found
        self.counts.add(answer.status, time.monotonic() - began)
        await _send(send, answer)

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        headers = {k.lower(): v for k, v in scope["headers"]}
        self._admit(scope, headers)
        kind = _kind(headers)
        if self._bodies >= MOST_BODIES:
            raise Answer(429, error="too many requests at once")
        self._bodies += 1
        try:
            body = await _body(headers, receive)
            return await self._take(body, kind, _name(headers))
        finally:
            self._bodies -= 1

    def _admit(self, scope: Message, headers: Mapping[bytes, bytes]) -> None:
        if scope["path"] != self._path:
            raise Answer(404, error=f"events are received at {self._path}")
        if scope["method"] != "POST":
            raise Answer(405, error="send events with POST")
        given = headers.get(b"authorization", b"")
        if not hmac.compare_digest(given, b"Bearer " + self._token):
            raise Answer(401, error="the token is missing or wrong")

    async def _take(self, body: bytes, kind: judge.Kind, name: str) -> Answer:
        try:
            verdict = judge.judge(body, kind, self._check)
        except judge.Unreadable as reason:
            raise Answer(reason.status, error=str(reason)) from None
        batch = writer.Batch(name, verdict, len(body), writer.digest(body))
        try:
            waiting = asyncio.wrap_future(self._store.put(batch))
            receipt = await asyncio.wait_for(waiting, COMMIT_SECONDS)
        except writer.Busy as reason:
            raise Answer(429, error=reason.what) from None
        except writer.Conflict as reason:
            raise Answer(409, error=reason.what) from None
        except TimeoutError:
            text = "the commit takes long; send the same batch again under the same name"
            raise Answer(503, error=text, batch=name) from None
        reasons = [{"number": r.number, "reason": r.reason} for r in verdict.rejected[:20]]
        return Answer(
            200, batch=name, accepted=receipt.taken, rejected=receipt.rejected,
            repeated=receipt.repeated, reasons=reasons,
        )  # fmt: skip


async def _body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """The whole body. One that is somewhat too large is read to its end and thrown away: who still
    sends when the connection is closed never hears why.
    """
    told = headers.get(b"content-length", b"0")
    if told.isdigit() and int(told) > MOST_HEARD:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while size <= MOST_HEARD:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Answer(400, error="the sender went away")
                part = message.get("body", b"")
                size += len(part)
                if size <= MOST_BODY:
                    parts.append(part)
                else:
                    parts.clear()
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise Answer(408, error=f"the body took longer than {BODY_SECONDS:.0f} s") from None
    if size > MOST_BODY:
        raise _too_large()
    return b"".join(parts)


def _too_large() -> Answer:
    return Answer(413, error=f"at most {MOST_BODY} bytes in one request")


def _kind(headers: Mapping[bytes, bytes]) -> judge.Kind:
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Answer(415, error="send the body without a content-encoding")
    kind = headers.get(b"content-type", b"").split(b";")[0].strip().decode("latin-1").lower()
    if kind not in _KINDS:
        raise Answer(415, error=f"the content-type is one of {', '.join(_KINDS)}")
    return _KINDS[kind]


def _name(headers: Mapping[bytes, bytes]) -> str:
    """The sender's name of the batch; without one it cannot be recognised when it comes again."""
    given = headers.get(b"idempotency-key")
    if given is None:
        return str(uuid4())
    if not 0 < len(given) <= 200 or not given.isascii() or not given.decode().isprintable():
        raise Answer(400, error="Idempotency-Key is 1 to 200 printable ASCII characters")
    return given.decode()


async def _send(send: Send, answer: Answer) -> None:
    headers = [(b"content-type", b"application/json")]
    if answer.status in (429, 503):
        headers.append((b"retry-after", b"1"))
    if answer.status in (401, 404, 405, 408, 413, 415):
        # What is left of the body is not read, and who may not send does not stay.
        headers.append((b"connection", b"close"))
    body = orjson.dumps(answer.body)
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
