"""A message in the source's own log each second: it moves an idle slot and dates the feed.

Written with ``pg_logical_emit_message`` in a transaction of its own, so it comes back through the
feed like any commit and touches no table.
"""

from __future__ import annotations

import json
import time

from tidewright.pipelines.feeds import peek, slots

PREFIX = "tidewright"
EVERY = 1.0


class Pulse:
    """Beats when due. ``slot``: what the source says of the slot, looked at on the same beat."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = 0.0
        self.slot: slots.SlotState | None = None

    def due(self, feed: peek.PeekFeed, now: float) -> None:
        """Beat if a second has passed. An outage of the source passes through."""
        if now < self._next:
            return
        self._next = now + EVERY
        content = json.dumps({"flow": self._name, "ms": int(time.time() * 1000)})
        feed.emit(PREFIX, content.encode())
        feed.log_snapshot()
        self.slot = feed.slot()
