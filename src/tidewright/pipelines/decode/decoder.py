"""The decoder a worker gets: the compiled one when it can be had, else the plain one.

Both give identical chunks (tests/contract/test_decoders.py). Make a new one for each peek: every
peek describes its relations afresh and ends with a whole transaction.
"""

from __future__ import annotations

from typing import Protocol, cast

from tidewright.pipelines.decode import chunk, pgoutput, relation, speed, window


class Decoder(Protocol):
    """Frames in, chunks out."""

    def feed(self, frame: bytes) -> None: ...

    def take(self, min_changes: int) -> chunk.Chunk | None: ...

    def finish(self) -> chunk.Chunk: ...


def decoder(keys: relation.Keys, max_bytes: int = window.MAX_BYTES) -> Decoder:
    """A new decoder. ``keys``: each table's primary key, needed where the identity is FULL."""
    compiled = speed.turbo()
    if compiled is None:
        return pgoutput.PureDecoder(keys, max_bytes)
    return cast(Decoder, compiled.TurboDecoder(keys, max_bytes))
