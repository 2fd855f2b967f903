"""Paths and durability: URIs of files, folders made to last, and fsync on eight threads.

A name that is not synced may vanish at power loss while the database's commit stays, so files and
their folders are on disk before the swap. What is in the files is the business of others.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tidewright import errors
from tidewright.kit import files as kit

SYNC_THREADS = 8
_SCHEME = "file://"
_UNSAFE = re.compile(r"[^A-Za-z0-9_$-]")
_FULL = (28, 122)  # ENOSPC and EDQUOT


def uri(path: Path | str) -> str:
    """The URI of an absolute path, as Iceberg metadata names it: plain, nothing quoted."""
    return f"{_SCHEME}{path}"


def local(location: str) -> str:
    """The path of a URI that ``uri`` made."""
    return location.removeprefix(_SCHEME)


def folder_name(name: str) -> str:
    """The folder of a schema or table: the same name, or one that every reader of URIs opens.

    ``my table`` becomes ``my~20~table``; no two names share a folder.
    """
    return _UNSAFE.sub(lambda found: f"~{ord(found[0]):x}~", name)


def check_folder(folder: Path) -> None:
    """Refuse a warehouse whose path readers of URIs would cut or decode."""
    wrong = sorted(set("#?%*[]'\"\\") & set(str(folder)))
    if wrong or not folder.is_absolute():
        raise errors.Refused(
            "lake.folder_name",
            f"readers cannot open a lake below this path: {' '.join(wrong) or 'not absolute'}",
            str(folder),
            "Choose an absolute path without the characters # ? % * [ ] ' \" and backslash.",
        )


def make_folder(folder: Path, below: Path) -> None:
    """Create ``folder`` and make its name durable, and those of its parents down from ``below``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for parent in (folder, *folder.parents):
            kit.sync_folder(parent)
            if parent == below:
                break
    except OSError as reason:
        raise failed(folder, reason) from None


def failed(path: Path | str, reason: OSError) -> errors.StepFailed:
    """What is wrong when a file of the lake cannot be written."""
    code = "lake.disk_full" if reason.errno in _FULL else "lake.write_failed"
    return errors.StepFailed(
        code,
        f"a file of the lake cannot be written: {reason.strerror or reason}",
        str(path),
        "Free space or correct the folder's rights; nothing is lost, the work is done again.",
    )


def write_bytes(path: str, content: bytes) -> None:
    """A new small file (metadata); not yet durable."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
        finally:
            os.close(handle)
    except OSError as reason:
        raise failed(path, reason) from None


class Syncer:
    """fsync on eight threads: files as soon as they are written, folders last."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(SYNC_THREADS, thread_name_prefix="fsync")
        self._lock = threading.Lock()
        self._waiting: list[Future[None]] = []
        self._folders: set[str] = set()

    def add(self, path: str) -> None:
        """Begin to make ``path`` durable. From any thread."""
        with self._lock:
            self._folders.add(path.rpartition("/")[0])
            self._waiting.append(self._pool.submit(_sync_file, path))

    def wait(self) -> None:
        """Return when every file added so far, and its folder, is on disk."""
        with self._lock:
            folders, self._folders = self._folders, set()
            waiting, self._waiting = self._waiting, []
        _results(waiting)
        _results([self._pool.submit(kit.sync_folder, Path(f)) for f in folders])

    def close(self) -> None:
        self._pool.shutdown()


def _results(waiting: Iterable[Future[None]]) -> None:
    try:
        for one in waiting:
            one.result()
    except OSError as reason:
        raise failed(reason.filename or "the lake", reason) from None


def _sync_file(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
