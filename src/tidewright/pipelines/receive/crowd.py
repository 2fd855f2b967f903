"""How many connections there may be, and for how long one may wait without asking anything.

A stranger is a connection that has not brought a whole request yet: it has ``PATIENCE``, and is
told 408 when that is over. One that did may stay silent for ``KEEP``. When there are too many, the
stranger that has waited longest goes first and is told 503, and only without any the one that asked
longest ago. A connection whose request is being answered stays.
"""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections.abc import Iterator

from uvicorn.protocols.http import h11_impl
from uvicorn.protocols.http.h11_impl import RequestResponseCycle

MOST = 4096
ROOM = 256  # files for everything else
PATIENCE = 5.0
KEEP = 30.0
_TOO_MANY = "too many connections; try again in a moment"
_TOO_SLOW = "the request did not come in time"
_STATUS = {408: "Request Timeout", 503: "Service Unavailable"}


def allow() -> int:
    """Raise the limit of open files as far as is useful and allowed; how many may connect."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + ROOM
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted and soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MOST if soft == resource.RLIM_INFINITY else max(min(MOST, soft - ROOM), 16)


class Crowd:
    """All connections of one server; in each group the oldest wait comes first."""

    def __init__(self, most: int = MOST, patience: float = PATIENCE, keep: float = KEEP) -> None:
        self._most, self._patience, self._keep = most, patience, keep
        self._strangers: dict[Connection, float] = {}
        self._known: dict[Connection, float] = {}
        self.cut = 0

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    def came(self, connection: Connection) -> None:
        self._strangers[connection] = time.monotonic()
        if len(self) > self._most:
            longest = next(_waiting(self._strangers), None) or next(_waiting(self._known), None)
            self._send_away(longest or connection, 503, _TOO_MANY)

    def went(self, connection: Connection) -> None:
        self._strangers.pop(connection, None)
        self._known.pop(connection, None)

    def asked(self, connection: Connection) -> None:
        """It brought a whole request: its next wait begins anew, behind all others."""
        if connection in self._strangers or connection in self._known:
            self.went(connection)
            self._known[connection] = time.monotonic()

    def sweep(self) -> None:
        """Send away those that wait too long."""
        now = time.monotonic()
        for group, most in ((self._strangers, self._patience), (self._known, self._keep)):
            for connection in [c for c in _waiting(group) if group[c] < now - most]:
                self._send_away(connection, 408, _TOO_SLOW)

    async def watch(self) -> None:
        """Sweep each second until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            self.sweep()

    def _send_away(self, connection: Connection, status: int, why: str) -> None:
        """With an answer for a stranger. Whoever asked before might take it for that of its next
        request, and is hung up on as any server does with a connection that is not used.
        """
        self.cut += 1
        if connection in self._strangers:
            connection.transport.write(_answer(status, why))
        self.went(connection)
        connection.transport.close()


def _waiting(group: dict[Connection, float]) -> Iterator[Connection]:
    return (c for c in group if not c.is_busy)


def _answer(status: int, why: str) -> bytes:
    body = json.dumps({"error": why}).encode()
    head = (
        f"HTTP/1.1 {status} {_STATUS[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


class Connection(h11_impl.H11Protocol):
    """uvicorn's own, which tells the crowd. Make it with ``of``."""

    crowd: Crowd

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request
        return cycle is not None and not cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.crowd.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.went(self)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self.crowd.asked(self)
        super().on_response_complete()


def of(crowd: Crowd) -> type[Connection]:
    """The protocol class of one server."""
    return type("Connection", (Connection,), {"crowd": crowd})
