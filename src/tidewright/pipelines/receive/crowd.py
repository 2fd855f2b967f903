"""How many connections there may be, and for how long one may wait without asking anything.

A connection that has not brought a whole request head in time is cut. When there are too many, the
one that has waited longest goes first; a connection whose request is being answered stays.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from uvicorn.protocols.http import h11_impl
from uvicorn.protocols.http.h11_impl import RequestResponseCycle

MOST = 512
PATIENCE = 5.0


class Crowd:
    """All connections of one server, oldest wait first."""

    def __init__(self, most: int = MOST, patience: float = PATIENCE) -> None:
        self._most, self._patience = most, patience
        self._since: dict[Connection, float] = {}
        self.cut = 0

    def __len__(self) -> int:
        return len(self._since)

    def came(self, connection: Connection) -> None:
        self._since[connection] = time.monotonic()
        if len(self._since) > self._most:
            self._cut(next(self._waiting(), connection))

    def went(self, connection: Connection) -> None:
        self._since.pop(connection, None)

    def asked(self, connection: Connection) -> None:
        """It brought a whole request: its next wait begins anew, behind all others."""
        if self._since.pop(connection, None) is not None:
            self._since[connection] = time.monotonic()

    def sweep(self) -> None:
        """Cut those that wait too long."""
        before = time.monotonic() - self._patience
        for connection in [c for c in self._waiting() if self._since[c] < before]:
            self._cut(connection)

    async def watch(self) -> None:
        """Sweep each second until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            self.sweep()

    def _waiting(self) -> Iterator[Connection]:
        return (c for c in self._since if not c.is_busy)

    def _cut(self, connection: Connection) -> None:
        self.cut += 1
        self._since.pop(connection, None)
        connection.transport.abort()


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
