"""Where a chunk may be cut: the rule that both decoders share.

A chunk ends after the last complete transaction seen. Only a transaction that alone fills the
window is handed on in pieces, so memory stays bounded whatever its size.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Mark:
    """How much was read at some point: counts since the last cut, and bytes."""

    rows: int = 0
    transactions: int = 0
    pulses: int = 0
    bytes: int = 0

    @property
    def empty(self) -> bool:
        return not (self.rows or self.transactions or self.pulses)


def cut(read: Mark, complete: Mark, min_changes: int, max_bytes: int) -> Mark | None:
    """Where to cut now: None while too little was read to be worth a chunk.

    ``complete`` is the mark after the last transaction's end (or message outside of one).
    """
    if read.rows < min_changes and read.bytes < max_bytes:
        return None
    if not complete.empty:
        return complete
    return None if read.empty else read
