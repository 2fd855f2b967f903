"""What a decoder hands on: changes as columns of PostgreSQL's own text, cut into chunks.

Typing them is ``types``' work, building raw rows ``rawrows``'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewright.pipelines.decode import relation as rel

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Ops = npt.NDArray[np.uint8]

INSERT, UPDATE, DELETE, READ, TRUNCATE = b"cudrt"


@dataclass(slots=True)
class Part:
    """Changes of one relation version inside one chunk, in order.

    ``columns`` has one text array per relation column; a ``d`` row holds the old tuple (the key
    alone unless the identity is FULL). ``unchanged`` names, per column number, the rows whose
    TOAST value was not sent: null here, and known only to current state. An update that changed
    the key is already a ``d`` of the old key and a ``c`` of the new one: unchanged values of such a
    ``c`` are those of the row just before it. A truncate is one row ``t`` with all columns null.
    """

    relation: rel.Relation
    op: Ops
    commit_lsn: Ints
    xid: Ints
    seq: Ints
    ts_us: Ints
    columns: tuple[pa.Array, ...]
    unchanged: Mapping[int, Bools]

    @property
    def rows(self) -> int:
        return len(self.op)

    def where(self, mask: Bools) -> Part:
        """The rows where ``mask`` is true, in the same order."""
        chosen = pa.array(mask)
        left = {c: rows[mask] for c, rows in self.unchanged.items()}
        return Part(
            self.relation, self.op[mask], self.commit_lsn[mask], self.xid[mask], self.seq[mask],
            self.ts_us[mask], tuple(pc.filter(c, chosen) for c in self.columns),
            {c: rows for c, rows in left.items() if rows.any()},
        )  # fmt: skip

    def slice(self, start: int, stop: int) -> Part:
        """Rows ``start`` to ``stop``, without a copy."""
        at = slice(start, stop)
        left = {c: rows[at] for c, rows in self.unchanged.items()}
        return Part(
            self.relation, self.op[at], self.commit_lsn[at], self.xid[at], self.seq[at],
            self.ts_us[at], tuple(c.slice(start, max(stop - start, 0)) for c in self.columns),
            {c: rows for c, rows in left.items() if rows.any()},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pulse:
    """A logical message found in the feed. Outside a transaction ``commit_lsn`` equals ``lsn``."""

    prefix: str
    content: bytes
    lsn: int
    commit_lsn: int
    transactional: bool


@dataclass(slots=True)
class Chunk:
    """A stretch of the feed. ``commit_lsn``, ``end_lsn`` and ``commit_us`` have one entry for each
    transaction that ends here; ``open`` says that the last one goes on in the next chunk.
    """

    parts: tuple[Part, ...]
    commit_lsn: Ints
    end_lsn: Ints
    commit_us: Ints
    pulses: tuple[Pulse, ...]
    changes: int
    open: bool

    def before(self, position: int) -> Chunk:
        """Without the transactions that ``position`` does not include."""
        done = self.commit_lsn < position
        cut = (p if (m := p.commit_lsn < position).all() else p.where(m) for p in self.parts)
        parts = tuple(p for p in cut if p.rows)
        return Chunk(
            parts, self.commit_lsn[done], self.end_lsn[done], self.commit_us[done],
            tuple(p for p in self.pulses if p.commit_lsn < position),
            sum(p.rows for p in parts), self.open,
        )  # fmt: skip
