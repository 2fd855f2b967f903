"""Locks in ``run/``: one supervisor, and one command at work, per environment.

The kernel releases them at any death, so that none is ever stale.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

SUPERVISOR = "lock"
COMMAND = "command.lock"
TRIES, PAUSE = 20, 0.01


@contextlib.contextmanager
def held(root: Path, name: str = SUPERVISOR) -> Iterator[bool]:
    """Hold a lock of ``root``; yields False, without waiting, when another process has it."""
    handle = os.open(root / "run" / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _taken(handle):
            yield False
            return
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield True
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    """Whoever only looks (``holder``) has the lock for microseconds, and must not be in the way."""
    for _ in range(TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE)
        else:
            return True
    return False


def holder(root: Path, name: str = SUPERVISOR) -> int | None:
    """The pid of the living holder, None when there is none."""
    try:
        handle = os.open(root / "run" / name, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(handle, 32, 0).decode(errors="replace").strip()
        return int(text) if text.isdecimal() else 0
    finally:
        os.close(handle)
    return None
