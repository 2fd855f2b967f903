"""Feeds open pages: observes once a second, renders the parts of the page, sends what changed.

One loop serves every page. The databases are asked only while somebody watches.
"""

from __future__ import annotations

import asyncio
import collections
import json
import logging
import time
from collections.abc import AsyncIterator

from tidewright import errors
from tidewright.console import backend, board, paper
from tidewright.model import views

SECONDS = 1.0
HISTORY_SECONDS = 4.0
TRAIL_POINTS = 180
MOST_VIEWS = 12
_SILENCE_SECONDS = 15.0
log = logging.getLogger("tidewright.console")


def parts(shown: board.Board) -> dict[str, str]:
    """The live parts of the page by name. Each step of the map is one, so that focus stays."""
    found = paper.blocks("page.html", board=shown)
    for node in shown.map.nodes:
        found[f"node-{node.id}"] = paper.render("node.svg", node=node)
        found[f"detail-{node.id}"] = paper.render("detail.html", node=node)
    return found


class Live:
    """The present board and those who watch it. Lives on one event loop."""

    def __init__(self, desk: backend.Desk) -> None:
        self._desk = desk
        self._seen = views.Observation(at_ms=0)
        self._history = views.History()
        self._history_at = 0.0
        self._trails = tuple(collections.deque[float](maxlen=TRAIL_POINTS) for _ in range(3))
        self._parts: dict[str, str] = {}
        self._moved = asyncio.Condition()
        self._watchers = 0
        self._closing = False

    async def run(self) -> None:
        """Observe for ever. Errors are logged and the loop goes on: pages then show old times."""
        while not self._closing:
            began = time.monotonic()
            try:
                await self.turn()
            except Exception:  # the top of this loop; a page must not stop for one bad turn
                log.exception("one turn of the live feed failed")
            await asyncio.sleep(max(0.1, SECONDS - (time.monotonic() - began)))

    async def turn(self) -> None:
        """Look once, and tell everybody who watches."""
        self._seen = await asyncio.to_thread(self._desk.observe)
        for trail, value in zip(self._trails, board.trail_point(self._seen), strict=True):
            if value is not None:
                trail.append(value)
        if self._watchers:
            await self._refresh_history()
            self._parts = parts(self.board())
            async with self._moved:
                self._moved.notify_all()
        else:
            await asyncio.to_thread(self._desk.rest)

    async def page(self) -> board.Board:
        """The board for a page that is being opened."""
        self._seen = await asyncio.to_thread(self._desk.observe)
        await self._refresh_history()
        return self.board()

    def board(self) -> board.Board:
        """The board as last observed."""
        return board.build(self._seen, self._history, board.Trail(*map(tuple, self._trails)))

    async def events(self) -> AsyncIterator[str]:
        """Server-sent events for one page: the parts that changed since its last event."""
        sent: dict[str, str] = {}
        self._watchers += 1
        try:
            while not self._closing:
                changed = {k: v for k, v in self._parts.items() if sent.get(k) != v}
                sent |= changed
                yield f"data: {json.dumps(changed)}\n\n" if changed else ": still here\n\n"
                await self._wait()
        finally:
            self._watchers -= 1

    @property
    def full(self) -> bool:
        """Whether no further page can be fed."""
        return self._watchers >= MOST_VIEWS

    def close(self) -> None:
        """End the loop and every feed at their next step."""
        self._closing = True

    async def _wait(self) -> None:
        async with self._moved:
            try:
                await asyncio.wait_for(self._moved.wait(), _SILENCE_SECONDS)
            except TimeoutError:
                return

    async def _refresh_history(self) -> None:
        if time.monotonic() - self._history_at < HISTORY_SECONDS:
            return
        self._history_at = time.monotonic()
        marts = board.marts(self._seen)
        try:
            self._history = await asyncio.to_thread(self._desk.history, marts)
        except errors.PlatformError as reason:
            self._history = views.History(message=reason.what)
