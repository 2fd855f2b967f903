"""Virtual environments beside ours, in the user's cache folder, shared by all platforms."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tidewright.clients import caches
from tidewright.clients.caches import Say, cache

__all__ = ["Failed", "Say", "cache", "is_whole", "making", "python", "run"]


class Failed(Exception):
    """A command ended with another code than 0; ``last`` are its last words."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.last = next((line for line in reversed(lines) if line), "it said nothing")


def python(folder: Path) -> Path:
    """Its interpreter, there or not."""
    return folder / "bin" / "python"


def is_whole(folder: Path) -> bool:
    return caches.is_whole(folder) and python(folder).exists()


@contextlib.contextmanager
def making(folder: Path, waits: Callable[[], None] = lambda: None) -> Iterator[bool]:
    """``caches.making`` of an environment: one whose interpreter is gone is made anew."""
    with caches.making(folder, waits, is_whole) as is_missing:
        yield is_missing


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
