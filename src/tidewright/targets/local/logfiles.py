"""The output of services as files: one per service, each line stamped, rotated by size.

A service's rows may reach its output. They stay raw, but only the supervisor writes the stamp
and each service has a file of its own, so that no row can pass for another service's words.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.handlers
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

LARGEST = 8 * 1024 * 1024
KEPT = 3
_LINE = 16 * 1024
_TELLING = ("panic", "fatal", "error", "no space left", "refused", "denied", "cannot")


class _Handler(logging.handlers.RotatingFileHandler):
    """Remembers that a line could not be written instead of printing a traceback."""

    trouble = ""

    def handleError(self, record: logging.LogRecord) -> None:
        del record
        self.trouble = "its log cannot be written: is the disk full?"


class LogFile(asyncio.Protocol):
    """Takes a service's output from a pipe, line by line, and keeps the last lines at hand."""

    def __init__(self, path: Path) -> None:
        self._handler = _Handler(path, maxBytes=LARGEST, backupCount=KEPT, delay=True)
        self._rest = b""
        self._last: deque[str] = deque(maxlen=30)

    @property
    def trouble(self) -> str:
        return self._handler.trouble

    def data_received(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.write(line.decode(errors="replace"))
        if len(rest) > _LINE:
            self.write(rest.decode(errors="replace"))
            rest = b""
        self._rest = rest

    def connection_lost(self, exc: Exception | None) -> None:
        if self._rest:
            self.write(self._rest.decode(errors="replace"))
        self._rest = b""

    def write(self, line: str) -> None:
        """Add one line, now."""
        line = line.rstrip("\r")
        if line.strip():
            self._last.append(line.strip())
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        self._handler.trouble = ""
        text = f"{stamp}Z {line}"
        self._handler.handle(logging.LogRecord("", logging.INFO, "", 0, text, None, None))

    def telling(self) -> str:
        """The last line that sounds like a reason, else the last line."""
        for line in reversed(self._last):
            if any(word in line.lower() for word in _TELLING):
                return line[:300]
        return self._last[-1][:300] if self._last else ""

    def forget(self) -> None:
        """Start afresh: what was said before must not explain what happens next."""
        self._last.clear()

    def close(self) -> None:
        # What a full disk did not take at the last write, it does not take now either.
        with contextlib.suppress(OSError):
            self._handler.close()
