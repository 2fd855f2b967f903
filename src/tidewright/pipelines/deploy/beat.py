"""What the deployment says of itself: a status file for the supervisor, a line for the log."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tidewright.kit import files


class Beat:
    """``say`` what was done; ``well`` or ``ill`` for how it is. The log has each thing once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last = ""
        self._write(healthy=False, message="deploying")

    def say(self, sentence: str) -> None:
        """A step was taken, and more are to come."""
        self.log(sentence)
        self._write(healthy=False, message=sentence)

    def well(self, message: str) -> None:
        self._once(message)
        self._write(healthy=True, message=message)

    def ill(self, message: str) -> None:
        self._once(message)
        self._write(healthy=False, message=message)

    def log(self, line: str) -> None:
        print(line, flush=True)  # noqa: T201  a service's log is its output

    def _once(self, message: str) -> None:
        if message != self._last:
            self.log(message)
            self._last = message

    def _write(self, *, healthy: bool, message: str) -> None:
        now = int(time.time() * 1000)
        told = {"at_ms": now, "healthy": healthy, "message": message, "pid": os.getpid()}
        files.replace(self._file, json.dumps(told) + "\n", sync=False)
