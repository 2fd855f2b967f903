"""Bytes on their way into a backup or out of it, hashed as they pass, packed with zstd or not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

BLOCK = 1 << 20


class Hashing:
    """A sink that knows what went through it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, block: bytes) -> int:
        self.digest.update(block)
        self.size += len(block)
        return self._out.write(block)

    def flush(self) -> None:
        self._out.flush()

    def close(self) -> None:
        self.closed = True


class Watching:
    """A source whose stored bytes are hashed on the way, to the very last one."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    def read(self, count: int = BLOCK) -> bytes:
        block = self._source.read(count)
        self.digest.update(block)
        self.size += len(block)
        return block

    def drain(self) -> None:
        """Whatever follows the content counts too."""
        while self.read(BLOCK):
            pass

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def pump(source: BinaryIO, sink: Hashing, *, pack: bool) -> tuple[int, str]:
    """All of ``source`` into ``sink``: size and SHA-256 of the content."""
    size, content = 0, hashlib.sha256()
    out = pa.CompressedOutputStream(pa.PythonFile(sink, "w"), "zstd") if pack else sink
    while block := source.read(BLOCK):
        content.update(block)
        size += len(block)
        out.write(block)
    if pack:
        out.close()
    return size, content.hexdigest()


def blocks(reader: Watching, *, packed: bool) -> Iterator[bytes]:
    """The content, unpacked. Raises OSError or ArrowException for what is not zstd."""
    if not packed:
        yield from iter(lambda: reader.read(BLOCK), b"")
        return
    with pa.CompressedInputStream(pa.PythonFile(reader, "r"), "zstd") as unpacked:
        yield from iter(lambda: unpacked.read(BLOCK), b"")
