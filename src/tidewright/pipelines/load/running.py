"""A connector's process that is listened to: messages out of its stdout, and an end to silence."""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidewright import errors
from tidewright.pipelines.load import masking, messages
from tidewright.pipelines.load.messages import Message

log = logging.getLogger("load")
LONGEST_LINE = 64 << 20
STOP = 3.0


class Silent(errors.StepFailed, errors.Transient):
    """The connector said nothing for too long, or what it said is no message."""


@dataclass(slots=True)
class Running:
    """One child. Iterate ``messages``, then ``code`` is its exit code; ``close`` ends it.

    ``chatty``: it may print what is no message among its messages. ``mask``: takes its secrets out
    of everything but records. Its stderr goes to the log.
    """

    child: subprocess.Popen[bytes]
    timeout: float
    where: str
    mask: masking.Mask = masking.NOTHING
    chatty: bool = False
    code: int | None = None
    _rest: bytearray = field(default_factory=bytearray)
    _listener: threading.Thread | None = None

    def __post_init__(self) -> None:
        if self.child.stderr is not None:
            self._listener = threading.Thread(target=self._overhear, daemon=True)
            self._listener.start()

    def _overhear(self) -> None:
        assert self.child.stderr is not None
        for line in self.child.stderr:
            log.info("%s", self.mask.text(line.decode(errors="replace").rstrip()))

    def ask(self, request: Mapping[str, Any]) -> None:
        """Tell it what is wanted, as one line on its stdin; secrets go this way and no other."""
        assert self.child.stdin is not None
        try:
            self.child.stdin.write(json.dumps(request, default=str).encode() + b"\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already, and its exit code says so

    def messages(self) -> Iterator[Message]:
        """Until it has ended. Raises Silent after ``timeout`` seconds without a line."""
        heard = time.monotonic()
        while True:
            left = heard + self.timeout - time.monotonic()
            if left <= 0:
                raise _silent(self.where, f"said nothing for {self.timeout:g} s")
            for line in self._lines(left):
                if self.chatty and not line.startswith(b"{"):
                    log.info("%s", messages.shown(self.mask.line(line)))
                    continue
                heard = time.monotonic()
                yield self.mask.message(self._parsed(line))
                heard = time.monotonic()  # what its message cost us does not count
            if self.code is not None:
                return

    def _parsed(self, line: bytes) -> Message:
        try:
            return messages.parse(line)
        except messages.Garbage:
            # Masked before it is shortened: half a secret would not be found any more.
            shown = messages.shown(self.mask.line(line))
            raise _silent(self.where, f"said what is no message: {shown}") from None

    def _lines(self, seconds: float) -> Iterator[bytes]:
        assert self.child.stdout is not None
        ready, _, _ = select.select([self.child.stdout], [], [], min(seconds, 1.0))
        if not ready:
            return
        said = os.read(self.child.stdout.fileno(), 1 << 18)
        if not said:
            try:
                self.code = self.child.wait(STOP)
            except subprocess.TimeoutExpired:
                raise _silent(self.where, "closed its output and went on running") from None
            return
        self._rest += said
        if len(self._rest) > LONGEST_LINE:
            raise _silent(self.where, f"said a line of more than {LONGEST_LINE >> 20} MB")
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        yield from (line for line in lines if line.strip())

    def close(self) -> None:
        """End it now, if it still runs."""
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.child.wait(0.2)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        if self._listener is not None and self.child.stderr is not None:
            self._listener.join(STOP)
            if not self._listener.is_alive():  # what it started may still hold its stderr
                self.child.stderr.close()


def _silent(where: str, what: str) -> Silent:
    return Silent(
        "load.connector_failed", f"it {what}", where,
        "Nothing is lost: it goes on from the last commit. The log of this service has more.",
    )  # fmt: skip
