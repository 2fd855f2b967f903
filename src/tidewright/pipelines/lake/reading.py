"""Long readers: while one holds the lake, no file of an Iceberg table is unlinked.

A lock of the kernel on a file beside the tables, so it ends with its process, whatever ends that.
Who reads for less than the grace of freed files needs none.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = ".readers"


@contextmanager
def held(warehouse: Path) -> Iterator[None]:
    """No file is unlinked meanwhile; waits for those that are being unlinked now."""
    with (warehouse / FILE).open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


@contextmanager
def unlinking(warehouse: Path) -> Iterator[bool]:
    """Whether files may be unlinked now. A reader that comes meanwhile waits for the end."""
    with (warehouse / FILE).open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
