"""What is fetched once for all platforms of this account, in the user's cache folder.

Each entry is a folder that is whole or not there: made by one process at a time, its stamp written
last, and what has no stamp is made anew. What goes into one is its caller's affair.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tidewright import errors
from tidewright.kit import files

STAMP = "installed"
Say = Callable[[str], None]


def cache(kind: str) -> Path:
    """``$XDG_CACHE_HOME/tidewright/<kind>``, or below ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "tidewright" / kind


def is_whole(folder: Path) -> bool:
    return (folder / STAMP).exists()


@contextlib.contextmanager
def making(
    folder: Path,
    waits: Callable[[], None] = lambda: None,
    whole: Callable[[Path], bool] = is_whole,
) -> Iterator[bool]:
    """Whether it has to be made now, in the place that is free for it; the end stamps it.

    Two at once: the second calls ``waits``, then finds the work done. Raises Refused where nothing
    can be written.
    """
    with _alone(folder, waits):
        if whole(folder):
            yield False
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield True
        (folder / STAMP).touch()


@contextlib.contextmanager
def _alone(folder: Path, waits: Callable[[], None]) -> Iterator[None]:
    try:
        files.private_folder(folder.parent)
        handle = os.open(folder.with_name(folder.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as reason:
        raise errors.Refused(
            "local.read_only",
            f"nothing can be written there: {reason.strerror}",
            str(folder.parent),
            "Set XDG_CACHE_HOME to a folder that you can write to.",
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
