"""The SQL box as the console sees it: pins a commit, asks the locked process, kills it when late.

The process (``sqlbox_process``) is started by the first question and ends when nobody asked for
a while, so that an idle console pays nothing for DuckDB. One question runs at a time.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from tidewright import errors
from tidewright.model import views

WHERE = "the SQL box"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV")
_HINTS = {
    "console.sql_failed": "Correct the statement; the message is DuckDB's.",
    "console.sql_memory": "Select fewer columns or filter earlier, or use DuckDB yourself.",
    "console.sql_refused": "Write one SELECT over tables of the lake.",
    "console.sql_syntax": "Correct the statement.",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may use. ``start_seconds``: for the process, before the first one."""

    rows: int = 1_000
    seconds: float = 10.0
    start_seconds: float = 30.0
    memory_mb: int = 512
    address_space_mb: int = 3_072
    idle_seconds: float = 60.0
    sql_chars: int = 20_000
    answer_bytes: int = 16_000_000


@dataclass(frozen=True, slots=True)
class Pin:
    """One commit: its tables by name, and the statements that make each one a view."""

    commit: int | None
    tables: tuple[str, ...]
    statements: tuple[str, ...]


class SqlBox:
    """``with SqlBox(lake) as box: box.ask(sql, pin)``. Safe to call from several threads."""

    def __init__(self, lake: str, limits: Limits | None = None) -> None:
        self._lake = lake
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self._note = ""
        self._busy = threading.Lock()
        self._idle: threading.Timer | None = None

    def __enter__(self) -> SqlBox:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The locked process, while there is one."""
        return self._process.pid if self._process else None

    def ask(self, sql: str, pin: Pin) -> views.Answer:
        """Run one SELECT on the pinned tables. Raises Refused, TimedOut or StepFailed."""
        if len(sql) > self._limits.sql_chars:
            raise _refused("console.sql_refused", "the statement is too long")
        if not self._busy.acquire(blocking=False):
            raise _refused("console.sql_busy", "another question is still running")
        try:
            return self._ask(sql, pin)
        finally:
            self._busy.release()

    def close(self) -> None:
        """End the process. The next question starts a new one."""
        if self._idle:
            self._idle.cancel()
        if self._process:
            # Before taking the lock: whoever waits for an answer then stops waiting at once.
            self._process.kill()
        with self._busy:
            self._kill()

    def _ask(self, sql: str, pin: Pin) -> views.Answer:
        request = {
            "sql": sql,
            "rows": self._limits.rows,
            "tables": pin.tables,
            "views": pin.statements,
        }
        try:
            reply = self._exchange(request)
        except BaseException:
            self._kill()
            raise
        self._end_when_idle()
        if "error" in reply:
            failure = _failure(reply["error"])
            if failure.code == "console.sql_memory":
                # Its allocator keeps what the query took; the next question gets a fresh process.
                self._kill()
            raise failure
        return _answer(reply, pin.commit, self._note)

    def _exchange(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._process is None or self._process.poll() is not None:
            self._start()
        return self._talk(request, self._limits.seconds)

    def _start(self) -> None:
        self._kill()
        environment = {k: os.environ[k] for k in _PASSED_ON if k in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tidewright.operations.sqlbox_process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd="/",
        )  # fmt: skip
        limits = self._limits
        settings = {
            "lake": self._lake,
            "memory_mb": limits.memory_mb,
            "address_space_mb": limits.address_space_mb,
        }
        ready = self._talk(settings, limits.start_seconds)
        self._note = ready["note"]

    def _talk(self, message: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise _died()
        try:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise _died() from None
        line = _read_line(process.stdout, seconds, self._limits.answer_bytes)
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _end_when_idle(self) -> None:
        if self._idle:
            self._idle.cancel()
        self._idle = threading.Timer(self._limits.idle_seconds, self._end_if_free)
        self._idle.daemon = True
        self._idle.start()

    def _end_if_free(self) -> None:
        if self._busy.acquire(blocking=False):
            self._kill()
            self._busy.release()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                _close(pipe)


def _read_line(pipe: IO[bytes], seconds: float, most: int) -> bytes:
    """One line of the process, of so many bytes at most and within so many seconds."""
    deadline = time.monotonic() + seconds
    found = bytearray()
    while not found.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise _late(seconds)
        part = os.read(pipe.fileno(), 1 << 16)
        found += part
        if not part or len(found) > most:
            raise _died()
    return bytes(found)


def _close(pipe: IO[bytes]) -> None:
    """Close without complaint: what was still to be written has no reader any more."""
    try:
        pipe.close()
    except BrokenPipeError:
        return


def _answer(reply: Mapping[str, Any], commit: int | None, note: str) -> views.Answer:
    return views.Answer(
        columns=tuple(views.Column(c["name"], c["kind"]) for c in reply["columns"]),
        rows=tuple(tuple(row) for row in reply["rows"]),
        truncated=reply["truncated"],
        seconds=reply["seconds"],
        commit=commit,
        note=note,
    )


def _failure(error: Mapping[str, str]) -> errors.PlatformError:
    code = error["code"]
    family = errors.StepFailed if code == "console.sql_failed" else errors.Refused
    return family(code, error["what"], WHERE, _HINTS.get(code, "Correct the statement."))


def _refused(code: str, what: str) -> errors.Refused:
    return errors.Refused(code, what, WHERE, "Shorten it, or wait for the other one to end.")


def _late(seconds: float) -> errors.TimedOut:
    what = f"the query ran longer than {seconds:g} s and its process was ended"
    hint = "Filter on partition_date or a key, or use DuckDB on your own machine."
    return errors.TimedOut("console.sql_time", what, WHERE, hint)


def _died() -> errors.StepFailed:
    what = "the locked process ended before it answered, most likely at its memory limit"
    return errors.StepFailed("console.sql_memory", what, WHERE, _HINTS["console.sql_memory"])
