"""Keeps topics small: a thread that removes from the log server what the lake holds.

It works beside the feed and never in its way: an outage is noted, and tried again. Only topics that
are followed at the position of the commit are touched; one that stopped keeps all its rows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import flow
from tidewright.pipelines.topic import retention

log = logging.getLogger("capture")
EVERY = 5.0


class Trimming:
    """``carried`` after each commit, ``close`` at the end."""

    def __init__(
        self, source: flow.PostgresSource, secrets: Path, keep: float = retention.KEEP
    ) -> None:
        self._source, self._secrets, self._keep = source, secrets, keep
        self._carried: Mapping[str, int] = {}
        self._known: dict[str, retention.Retention] = {}
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def carried(self, position: int, followed: Iterable[str]) -> None:
        """The lake stands at ``position``, and these tables with it."""
        self._carried = dict.fromkeys(retention.all_topics(followed), position)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="trimming", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(10)

    def turn(self, conn: psycopg.Connection, now: float) -> int:
        """One look at each topic; how many rows went."""
        gone = 0
        for topic, position in self._carried.items():
            marks = self._known.setdefault(topic, retention.Retention())
            found = retention.mark(conn, topic, now)
            if found is not None:
                marks.note(found)
            upto = marks.due(position, now, self._keep)
            if upto is not None:
                gone += retention.remove(conn, topic, upto)
        return gone

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                with postgres.connect(self._source.connection, self._secrets) as conn:
                    while not self._ending.wait(EVERY):
                        self.turn(conn, time.monotonic())
            except (errors.PlatformError, psycopg.Error) as problem:
                log.warning("topics are not trimmed for now: %s", str(problem).partition("\n")[0])
                self._ending.wait(EVERY)
