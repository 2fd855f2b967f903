"""Virtual environments beside ours, in the user's cache folder, shared by all platforms.

Each is whole or not there: made by one process at a time, its stamp written last, and what has no
stamp is made anew. What goes into one is its caller's affair.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tidewright import errors
from tidewright.kit import files

STAMP = "installed"
Say = Callable[[str], None]


class Failed(Exception):
    """A command ended with another code than 0; ``last`` are its last words."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.last = next((line for line in reversed(lines) if line), "it said nothing")


def cache(kind: str) -> Path:
    """``$XDG_CACHE_HOME/tidewright/<kind>``, or below ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "tidewright" / kind


def python(folder: Path) -> Path:
    """Its interpreter, there or not."""
    return folder / "bin" / "python"


def is_whole(folder: Path) -> bool:
    return (folder / STAMP).exists() and python(folder).exists()


@contextlib.contextmanager
def making(folder: Path, waits: Callable[[], None] = lambda: None) -> Iterator[bool]:
    """Whether it has to be made now, in the place that is free for it; the end stamps it.

    Two at once: the second calls ``waits``, then finds the work done. Raises Refused where nothing
    can be written.
    """
    with _alone(folder, waits):
        if is_whole(folder):
            yield False
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield True
        (folder / STAMP).touch()


def run(argv: Sequence[str], environment: Mapping[str, str], saw: Say = lambda line: None) -> None:
    """Run an installer; ``saw`` hears each line as it comes. Raises Failed."""
    lines: list[str] = []
    process = subprocess.Popen(
        argv, env=environment, stdin=subprocess.DEVNULL, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.append(line.strip())
            saw(lines[-1])
        code = process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
    if code != 0:
        raise Failed(lines)


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
