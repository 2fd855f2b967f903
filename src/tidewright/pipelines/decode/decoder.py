"""The decoder a worker gets: the compiled one when it can be had, else the plain one.

Both give identical chunks (tests/contract/test_decoders.py). Make a new one for each peek: every
peek describes its relations afresh and ends with a whole transaction.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from typing import Protocol

from tidewright.pipelines.decode import chunk, pgoutput, relation

TURBO = "tidewright.pipelines.decode.turbo"


class Decoder(Protocol):
    """Frames in, chunks out."""

    def feed(self, frame: bytes) -> None: ...

    def take(self, min_changes: int) -> chunk.Chunk | None: ...

    def finish(self) -> chunk.Chunk: ...
