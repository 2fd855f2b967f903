"""Where backups are kept: the few acts that a place must know, and a folder as a place.

A name appears in a place at once and whole, or not at all. ``settle`` returns when everything
written so far would outlive a power cut. Names are relative, with slashes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from tidewright import errors
from tidewright.kit import files
from tidewright.pipelines.lake import durable

_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_PARTS = ".parts"
AS_THEY_WERE = "Older points are as they were; the next run makes a new one."
# What the kernel says of a name that leads to no file: links in a circle, a socket, a file above.
_NO_FILE = {
    errno.ELOOP: "a link to itself",
    errno.ENXIO: "a socket or a device",
    errno.ENOTDIR: "below a file",
}


class NoFile(Exception):
    """There is something under the name, and it is no file. Says what it is."""


class Place(Protocol):
    """A folder or a bucket."""

    @property
    def title(self) -> str:
        """What messages call it."""

    def spool(self) -> Path:
        """A folder for files on their way to the place."""

    def adopt(self, part: Path, name: str) -> None:
        """Move a finished file of the spool into the place under ``name``."""

    def again(self, part: Path, name: str) -> None:
        """The same where a file of that name and size is: it may be damaged or not durable yet."""

    def write(self, name: str, content: bytes) -> None:
        """A small file, whole and durable when this returns; it replaces an older one."""

    def open(self, name: str) -> BinaryIO:
        """Read a file. Raises FileNotFoundError, or NoFile for what is none."""

    def names(self, below: str) -> Iterator[tuple[str, int]]:
        """Each file below a folder: its name without the folder, and its size in bytes."""

    def listed(self, below: str) -> list[str]:
        """Each name directly in a folder, whatever it is."""

    def remove(self, name: str) -> None:
        """Forget a file; nothing happens when it is not there."""

    def settle(self) -> None:
        """Make everything adopted so far durable."""


@contextlib.contextmanager
def reaching(title: str, *, reading: bool = False) -> Iterator[None]:
    """Turn the operating system's refusal into an error that names the place and a way out."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as reason:
        raise failed(title, reason, reading=reading) from None


def failed(title: str, reason: OSError, *, reading: bool = False) -> errors.StepFailed:
    """What is wrong with a place that cannot be used."""
    if reading and reason.errno == errno.ENOTDIR:
        what, hint = "the backup place is not a folder", "Name the one with blobs/ and points/."
    elif reading and reason.errno in _READ_ONLY:
        what, hint = "the backup place cannot be read", "Correct its rights, or its mount."
    elif reason.errno in _FULL:
        what, hint = "the backup place is full", "Free space there, or keep fewer points."
    elif reason.errno in _READ_ONLY:
        what, hint = "the backup place cannot be written to", "Correct its rights or its mount."
    else:
        what, hint = "the backup place cannot be used", "Bring it back, for example mount its disk."
    return errors.StepFailed(
        "backup.place", f"{what}: {reason.strerror or reason}", title,
        hint if reading else f"{hint} {AS_THEY_WERE}",
    )  # fmt: skip


class Folder:
    """A folder on this machine, on a disk of its own when it is to outlive this one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._syncer: durable.Syncer | None = None
        self._fresh: set[Path] = set()

    @property
    def title(self) -> str:
        return str(self._root)

    def spool(self) -> Path:
        with reaching(self.title):
            return files.private_folder(self._root / _PARTS)

    def adopt(self, part: Path, name: str) -> None:
        target = self._root / name
        with reaching(self.title):
            if not target.parent.is_dir():
                files.private_folder(target.parent)
                self._fresh.add(target.parent)
            part.replace(target)
        if self._syncer is None:
            self._syncer = durable.Syncer()
        self._syncer.add(str(target))

    def again(self, part: Path, name: str) -> None:
        self.adopt(part, name)  # costs a rename, and the bytes in hand are known to be good

    def write(self, name: str, content: bytes) -> None:
        target = self._root / name
        with reaching(self.title):
            files.private_folder(target.parent)
            files.replace_private(target, content)
            files.sync_folder(self._root)

    def open(self, name: str) -> BinaryIO:
        with reaching(self.title, reading=True):
            return _opened(self._root / name)

    def names(self, below: str) -> Iterator[tuple[str, int]]:
        folder = self._root / below
        with reaching(self.title, reading=True):
            for path, _, found in os.walk(folder, onerror=_unless_missing):
                for name in sorted(found):
                    file = Path(path) / name
                    with contextlib.suppress(FileNotFoundError):
                        yield str(file.relative_to(folder)), file.stat().st_size

    def listed(self, below: str) -> list[str]:
        with reaching(self.title, reading=True):
            try:
                return [entry.name for entry in (self._root / below).iterdir()]
            except FileNotFoundError:
                return []

    def remove(self, name: str) -> None:
        with reaching(self.title):
            (self._root / name).unlink(missing_ok=True)

    def settle(self) -> None:
        with reaching(self.title):
            self._sync()
            for folder in sorted({p for f in self._fresh for p in (f, f.parent)}):
                files.sync_folder(folder)
            self._fresh.clear()
            files.sync_folder(self._root)
            # What an interrupted run left on its way.
            for part in (self._root / _PARTS).glob("*"):
                part.unlink(missing_ok=True)

    def _sync(self) -> None:
        if self._syncer is None:
            return
        try:
            self._syncer.wait()
        except errors.StepFailed as reason:
            raise errors.StepFailed(
                "backup.place", f"what was written there could not be kept: {reason.what}",
                self.title, "Free space there or correct its rights; the next run tries again.",
            ) from None  # fmt: skip
        finally:
            self._syncer.close()
            self._syncer = None


def _opened(path: Path) -> BinaryIO:
    """A file, or the one that a link leads to. Nobody is waited for: a pipe would block for ever.

    It is looked at before (to open a device may do something) and after (it may be another now).
    """
    try:
        _require(path.stat().st_mode)
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if path.is_symlink():
            raise NoFile("a link to nothing") from None
        raise
    except OSError as reason:
        what = _NO_FILE.get(reason.errno or 0)
        if what is None:
            raise
        raise NoFile(what) from None
    try:
        _require(os.fstat(handle).st_mode)
    except NoFile:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def _require(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise NoFile("a folder")
    raise NoFile("a pipe" if stat.S_ISFIFO(mode) else "a socket or a device")


def _unless_missing(reason: OSError) -> None:
    if not isinstance(reason, FileNotFoundError):
        raise reason


def part(place: Place) -> Path:
    """A name in the spool that nobody uses."""
    return place.spool() / secrets.token_hex(12)
