"""Where the readers of Kafka stood in a checkpoint of Flink, from its ``_metadata`` file.

Flink keeps the state of a Kafka source as splits: the topic (Java's modified UTF-8 behind two bytes
of length), the partition (4 bytes), the next offset and the offset to stop at (8 bytes each; the
lowest number for none), all big-endian (``KafkaPartitionSplitSerializer`` version 0 of the
connector). State below ``state.storage.fs.memory-threshold`` lies in ``_metadata`` itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyarrow import fs

from tidewright.pipelines.record import boundaries

COMPLETE = "_metadata"
_SPLIT = struct.Struct(">iqq")
_NEVER = -(2**63)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One complete checkpoint: its number, which goes on over restarts, and its file."""

    number: int
    file: str


class Unreadable(Exception):
    """The file does not say where every partition stood; the text says what is missing."""


def complete(at: fs.FileSystem, folder: str) -> tuple[Checkpoint, ...]:
    """The complete checkpoints that are retained below ``folder``, oldest first."""
    wanted = fs.FileSelector(folder, allow_not_found=True, recursive=True)
    found = (f.path for f in at.get_file_info(wanted) if f.base_name == COMPLETE)
    numbered = (Checkpoint(_number(path), path) for path in found)
    return tuple(sorted((c for c in numbered if c.number), key=lambda c: c.number))


def stood(
    data: bytes, partitions: Sequence[boundaries.Partition], readers: int
) -> boundaries.Between:
    """Where the readers of these partitions stood, so many for each. Raises Unreadable."""
    found: dict[boundaries.Partition, list[int]] = {}
    for topic in {topic for topic, _ in partitions}:
        for number, offset in _splits(data, topic):
            found.setdefault((topic, number), []).append(offset)
    missing = [f"{p[0]}-{p[1]}" for p in partitions if len(found.get(p, ())) != readers]
    if missing:
        raise Unreadable(f"it does not have {readers} offsets of {', '.join(missing[:3])}")
    least = {p: max(0, min(found[p])) for p in partitions}
    return boundaries.Between(least, {p: max(0, *found[p]) for p in partitions})


def _splits(data: bytes, topic: str) -> Iterator[tuple[int, int]]:
    name = topic.encode()
    mark = struct.pack(">H", len(name)) + name
    at = data.find(mark)
    while at >= 0:
        at += len(mark)
        if at + _SPLIT.size <= len(data):
            number, offset, stop = _SPLIT.unpack_from(data, at)
            # The coordinator's state names partitions too, without offsets.
            if stop == _NEVER:
                yield number, offset
        at = data.find(mark, at)


def _number(path: str) -> int:
    """Of ``<job>/chk-<number>/_metadata``; 0 for any other path."""
    folder = path.split("/")[-2]
    kind, _, number = folder.partition("-")
    return int(number) if kind == "chk" and number.isdigit() else 0
