"""The plain decoder of framed pgoutput (version 1): readable, and the oracle of ``turbo``.

A frame is whole messages, each led by its length (four bytes). Every message is taken apart with
``struct`` and each change becomes one Python tuple; columns are made when a chunk is cut.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tidewright import errors
from tidewright.pipelines.decode import chunk, relation, window

EPOCH_2000_US = 946_684_800_000_000
_LENGTH = struct.Struct(">i")
_BEGIN = struct.Struct(">qqI")
_COMMIT = struct.Struct(">qqq")

Cell = bytes | None | bool  # True stands for a TOAST value that was not sent
Row = tuple[int, int, int, int, int, int, tuple[Cell, ...]]
UNCHANGED = True


class PureDecoder:
    """Feed it frames, take chunks. ``keys``: the primary key of each table, by table name."""

    def __init__(self, keys: relation.Keys, max_bytes: int = window.MAX_BYTES) -> None:
        self._versions = relation.Versions(keys)
        self._max_bytes = max_bytes
        self._rows: list[Row] = []
        self._done: list[tuple[int, int, int]] = []
        self._pulses: list[chunk.Pulse] = []
        self._bytes = 0
        self._complete = window.Mark()
        self._begun: tuple[int, int, int] | None = None
        self._seq = 0

    def feed(self, frame: bytes) -> None:
        """Read one frame of whole messages."""
        at = 0
        while at < len(frame):
            (length,) = _LENGTH.unpack_from(frame, at)
            end = at + 4 + length
            self._bytes += end - at
            self._message(frame[at + 4 : end])
            at = end

    def take(self, min_changes: int) -> chunk.Chunk | None:
        """A chunk when at least ``min_changes`` (or the byte limit) were read, else None."""
        mark = window.cut(self._read(), self._complete, min_changes, self._max_bytes)
        return None if mark is None else self._cut(mark)

    def finish(self) -> chunk.Chunk:
        """Everything that is left, be it nothing."""
        return self._cut(self._read())

    def _read(self) -> window.Mark:
        return window.Mark(len(self._rows), len(self._done), len(self._pulses), self._bytes)

    def _message(self, message: bytes) -> None:
        match message[:1]:
            case b"I":
                self._insert(message)
            case b"U":
                self._update(message)
            case b"D":
                self._delete(message)
            case b"B":
                commit_lsn, ts, xid = _BEGIN.unpack_from(message, 1)
                self._begun, self._seq = (commit_lsn, ts + EPOCH_2000_US, xid), 0
            case b"C":
                commit_lsn, end_lsn, ts = _COMMIT.unpack_from(message, 2)
                self._done.append((commit_lsn, end_lsn, ts + EPOCH_2000_US))
                self._begun, self._complete = None, self._read()
            case b"R":
                self._versions.learn(relation.parse(message))
            case b"T":
                self._truncate(message)
            case b"M":
                self._pulse(message)
            case b"O" | b"Y":
                pass
            case other:
                raise unsupported(other[0] if other else 0)

    def _insert(self, message: bytes) -> None:
        slot = self._slot(message)
        self._add(slot, chunk.INSERT, self._tuple(slot, message, 6)[0])

    def _update(self, message: bytes) -> None:
        slot = self._slot(message)
        if message[5] == ord("N"):
            self._add(slot, chunk.UPDATE, self._tuple(slot, message, 6)[0])
            return
        old, at = self._tuple(slot, message, 6)
        new = self._filled(slot, message[5], old, self._tuple(slot, message, at + 1)[0])
        if all(old[i] == new[i] for i in self._versions.key_numbers(slot)):
            self._add(slot, chunk.UPDATE, new)
        else:
            self._add(slot, chunk.DELETE, old)
            self._add(slot, chunk.INSERT, new)

    def _filled(
        self, slot: int, kind: int, old: Sequence[Cell], new: Sequence[Cell]
    ) -> tuple[Cell, ...]:
        """The new row, with values that were not sent taken from the old one where it has them."""
        columns = self._versions.relations[slot].columns
        return tuple(
            old[i] if cell is UNCHANGED and (kind == ord("O") or columns[i].key) else cell
            for i, cell in enumerate(new)
        )

    def _delete(self, message: bytes) -> None:
        slot = self._slot(message)
        self._add(slot, chunk.DELETE, self._tuple(slot, message, 6)[0])

    def _truncate(self, message: bytes) -> None:
        (count,) = struct.unpack_from(">I", message, 1)
        for oid in struct.unpack_from(f">{count}I", message, 6):
            slot = self._of(oid)
            self._add(slot, chunk.TRUNCATE, (None,) * len(self._versions.relations[slot].columns))

    def _pulse(self, message: bytes) -> None:
        begun = self._begun
        self._pulses.append(pulse(message, begun[0] if begun else None))
        if begun is None:
            self._complete = self._read()

    def _slot(self, message: bytes) -> int:
        return self._of(struct.unpack_from(">I", message, 1)[0])

    def _of(self, oid: int) -> int:
        if oid not in self._versions.current:
            raise broken(f"a change of relation {oid} came before its description")
        return self._versions.current[oid]

    def _tuple(self, slot: int, message: bytes, at: int) -> tuple[tuple[Cell, ...], int]:
        (count,) = struct.unpack_from(">H", message, at)
        at += 2
        if count != len(self._versions.relations[slot].columns):
            raise broken(f"a row of {count} columns does not fit its relation")
        cells: list[Cell] = []
        for _ in range(count):
            kind = message[at]
            at += 1
            if kind == 116:  # t: text of the length that follows
                (length,) = _LENGTH.unpack_from(message, at)
                cells.append(message[at + 4 : at + 4 + length])
                at += 4 + length
            else:
                cells.append(UNCHANGED if kind == 117 else None)
        return tuple(cells), at

    def _add(self, slot: int, op: int, cells: tuple[Cell, ...]) -> None:
        if self._begun is None:
            raise broken("a change came outside of a transaction")
        commit_lsn, ts, xid = self._begun
        self._seq += 1
        self._rows.append((slot, op, commit_lsn, xid, self._seq, ts, cells))

    def _cut(self, mark: window.Mark) -> chunk.Chunk:
        rows, self._rows = self._rows[: mark.rows], self._rows[mark.rows :]
        done, self._done = self._done[: mark.transactions], self._done[mark.transactions :]
        pulses, self._pulses = self._pulses[: mark.pulses], self._pulses[mark.pulses :]
        at_end = mark != self._complete and self._begun is not None
        self._bytes -= mark.bytes
        self._complete = window.Mark()
        ends = np.array(done, np.int64).reshape(-1, 3)
        return chunk.Chunk(
            self._parts(rows), ends[:, 0].copy(), ends[:, 1].copy(), ends[:, 2].copy(),
            tuple(pulses), len(rows), at_end,
        )  # fmt: skip

    def _parts(self, rows: list[Row]) -> tuple[chunk.Part, ...]:
        by_slot: dict[int, list[Row]] = {}
        for row in rows:
            by_slot.setdefault(row[0], []).append(row)
        return tuple(part(self._versions.relations[s], group) for s, group in by_slot.items())


def part(description: relation.Relation, rows: list[Row]) -> chunk.Part:
    """One part from the rows of one relation version."""
    facts = np.array([row[1:6] for row in rows], np.int64)
    columns, unchanged = [], {}
    for number, cells in enumerate(zip(*(row[6] for row in rows), strict=True)):
        missing = np.fromiter((c is UNCHANGED for c in cells), bool, len(cells))
        if missing.any():
            unchanged[number] = missing
            cells = tuple(None if c is UNCHANGED else c for c in cells)
        columns.append(pa.array(cells, pa.binary()).cast(pa.string()))
    op, commit_lsn, xid, seq, ts = (facts[:, i].copy() for i in range(5))
    return chunk.Part(
        description, op.astype(np.uint8), commit_lsn, xid, seq, ts, tuple(columns), unchanged
    )


def pulse(message: bytes, commit_lsn: int | None) -> chunk.Pulse:
    """Read a logical message; ``commit_lsn`` is that of the open transaction, if it is in one."""
    flags, lsn = struct.unpack_from(">Bq", message, 1)
    prefix, at = relation.text_at(message, 10)
    content = message[at + 4 :]
    inside = bool(flags & 1) and commit_lsn is not None
    return chunk.Pulse(prefix, content, lsn, commit_lsn if inside and commit_lsn else lsn, inside)


def unsupported(kind: int) -> errors.StepFailed:
    """The error for a message type that this decoder does not follow."""
    return errors.StepFailed(
        "source.unsupported_change",
        f"the feed brought a message of type {chr(kind)!r}, which is not followed",
        "source feed",
        "Report it with the PostgreSQL version; nothing of its transaction was stored.",
    )


def broken(what: str) -> errors.Bug:
    """The error for a feed that contradicts the protocol."""
    return errors.Bug(
        "source.protocol", what, "source feed",
        "Report it with the PostgreSQL version; the worker starts again from its last commit.",
    )  # fmt: skip
