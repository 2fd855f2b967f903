"""The compiled decoder: the same chunks as the plain one, faster.

The kernels are in ``scan``; here are the arrays they work on. Loaded by ``speed`` only.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewright.pipelines.decode import (
    arrays,
    chunk,
    pgoutput,
    relation,
    scan,
    turbojson,
    window,
)

Number = TypeVar("Number", bound=np.generic)
_ROOM = 1 << 16


def _framed(*messages: bytes) -> bytes:
    return b"".join(struct.pack(">i", len(m)) + m for m in messages)


_SAMPLE = _framed(
    b"B" + bytes(20),
    b"R\0\0\0\1s\0t\0d\0\1\1k\0" + struct.pack(">Ii", 25, -1),
    b"I\0\0\0\1N\0\1t\0\0\0\1a",
    b"U\0\0\0\1K\0\1t\0\0\0\1aN\0\1t\0\0\0\1b",
    b"T\0\0\0\1\0\0\0\0\1",
    b"C" + bytes(25),
)


class TurboDecoder:
    """See ``pgoutput.PureDecoder``: the same calls, the same answers."""

    def __init__(self, keys: relation.Keys, max_bytes: int = window.MAX_BYTES) -> None:
        self._versions = relation.Versions(keys)
        self._max_bytes = max_bytes
        self._buf: chunk.Ops = np.empty(1 << 20, np.uint8)
        self._rows: chunk.Ints = np.empty((_ROOM, scan.ROW_WIDTH), np.int64)
        self._done: chunk.Ints = np.empty((_ROOM, 3), np.int64)
        self._state = np.zeros(scan.STATE_WIDTH, np.int64)
        self._pulses: list[chunk.Pulse] = []
        self._tables, self._flags = _layout(self._versions)

    def feed(self, frame: bytes) -> None:
        """Read one frame of whole messages."""
        start, stop = int(self._state[scan.STOP]), int(self._state[scan.STOP]) + len(frame)
        if stop > len(self._buf):
            self._buf = _grown(self._buf, start, stop)
        self._buf[start:stop] = np.frombuffer(frame, np.uint8)
        self._state[scan.STOP] = stop
        while (why := self._scan()) != scan.END:
            self._attend(why)

    def take(self, min_changes: int) -> chunk.Chunk | None:
        """A chunk when at least ``min_changes`` (or the byte limit) were read, else None."""
        mark = window.cut(self._read(), self._complete(), min_changes, self._max_bytes)
        return None if mark is None else self._cut(mark)

    def finish(self) -> chunk.Chunk:
        """Everything that is left, be it nothing."""
        return self._cut(self._read())

    def _scan(self) -> int:
        return int(
            scan.scan(self._buf, self._tables, self._flags, self._state, self._rows, self._done)
        )

    def _attend(self, why: int) -> None:
        """Do what the scan stopped for: things that are rare and easier said in Python."""
        at = int(self._state[scan.AT])
        length = int.from_bytes(self._buf[at : at + 4].tobytes())
        message = self._buf[at + 4 : at + 4 + length].tobytes()
        match why:
            case scan.FULL:
                self._rows = _grown(self._rows, len(self._rows), 2 * len(self._rows) + length)
                self._done = _grown(self._done, len(self._done), 2 * len(self._done))
                return
            case scan.RELATION:
                if self._versions.learn(relation.parse(message)):
                    self._tables, self._flags = _layout(self._versions)
            case scan.MESSAGE:
                self._pulse(message, at + 4 + length)
            case scan.UNKNOWN:
                raise pgoutput.broken("a change came before the description of its relation")
            case scan.MISFIT:
                raise pgoutput.broken("a row does not fit its relation")
            case scan.OUTSIDE:
                raise pgoutput.broken("a change came outside of a transaction")
            case _:
                raise pgoutput.unsupported(message[0] if message else 0)
        self._state[scan.AT] = at + 4 + length

    def _pulse(self, message: bytes, end: int) -> None:
        inside = bool(self._state[scan.INSIDE])
        lsn = int(self._state[scan.LSN]) if inside else None
        self._pulses.append(pgoutput.pulse(message, lsn))
        self._state[scan.PULSES] += 1
        if not inside:
            scan.mark(self._state, end)

    def _read(self) -> window.Mark:
        return _mark(self._state[[scan.ROWS, scan.DONE, scan.PULSES, scan.STOP]])

    def _complete(self) -> window.Mark:
        return _mark(self._state[[scan.C_ROWS, scan.C_DONE, scan.C_PULSES, scan.C_AT]])

    def _cut(self, mark: window.Mark) -> chunk.Chunk:
        at_end = mark != self._complete() and bool(self._state[scan.INSIDE])
        ends = self._done[: mark.transactions]
        made = chunk.Chunk(
            self._parts(mark.rows), ends[:, 0].copy(), ends[:, 1].copy(), ends[:, 2].copy(),
            tuple(self._pulses[: mark.pulses]), mark.rows, at_end,
        )  # fmt: skip
        self._forget(mark)
        return made

    def _forget(self, mark: window.Mark) -> None:
        """Move what was not handed on to the front."""
        state, bytes_ = self._state, mark.bytes
        stop, rows, done = (int(state[i]) for i in (scan.STOP, scan.ROWS, scan.DONE))
        self._buf[: stop - bytes_] = self._buf[bytes_:stop].copy()
        self._rows[: rows - mark.rows] = self._rows[mark.rows : rows].copy()
        left = self._rows[: rows - mark.rows]
        left[:, scan.POS] -= np.where(left[:, scan.POS] < 0, 0, bytes_)
        left[:, scan.OLD] -= np.sign(left[:, scan.OLD]) * bytes_
        self._done[: done - mark.transactions] = self._done[mark.transactions : done].copy()
        del self._pulses[: mark.pulses]
        state[[scan.AT, scan.STOP]] -= bytes_
        state[[scan.ROWS, scan.DONE, scan.PULSES]] -= (mark.rows, mark.transactions, mark.pulses)
        state[[scan.C_ROWS, scan.C_DONE, scan.C_PULSES, scan.C_AT]] = 0

    def _parts(self, rows: int) -> tuple[chunk.Part, ...]:
        slots = self._rows[:rows, scan.SLOT]
        found, firsts = np.unique(slots, return_index=True)
        return tuple(
            self._part(int(s), np.flatnonzero(slots == s)) for s in found[np.argsort(firsts)]
        )

    def _part(self, slot: int, chosen: chunk.Ints) -> chunk.Part:
        table = self._versions.relations[slot]
        rows = self._rows
        columns, unchanged = _columns(self._buf, rows, chosen, _column_flags(self._versions, slot))
        op, lsn, xid, seq, ts = (
            rows[chosen, i] for i in (scan.OP, scan.R_LSN, scan.R_XID, scan.R_SEQ, scan.R_TIME)
        )
        return chunk.Part(table, op.astype(np.uint8), lsn, xid, seq, ts, columns, unchanged)


def _columns(
    buf: chunk.Ops, rows: chunk.Ints, chosen: chunk.Ints, flags: chunk.Ops
) -> tuple[tuple[pa.Array, ...], dict[int, chunk.Bools]]:
    ends = np.zeros((len(flags), len(chosen) + 1), np.int64)
    where = np.empty((len(flags), len(chosen)), np.uint8)
    scan.measure(buf, rows, chosen, flags, ends, where)
    sizes = ends[:, -1].copy()
    begins = np.cumsum(sizes) - sizes
    ends += begins[:, None]
    out = np.empty(int(sizes.sum()), np.uint8)
    scan.gather(buf, rows, chosen, ends, where, out)
    columns = tuple(
        arrays.text(
            ends[c] - begins[c],
            out[begins[c] : begins[c] + sizes[c]],
            (where[c] == scan.NULL) | (where[c] == scan.UNSENT),
        )
        for c in range(len(flags))
    )
    left = {c: where[c] == scan.UNSENT for c in range(len(flags))}
    return columns, {c: rows for c, rows in left.items() if rows.any()}


def warm() -> None:
    """Compile every kernel (or load it) by working through one small transaction."""
    decoder = TurboDecoder({})
    decoder.feed(_SAMPLE)
    made = decoder.finish()
    turbojson.rows(made.parts[0])


def _layout(versions: relation.Versions) -> tuple[chunk.Ints, chunk.Ops]:
    """The current version of every table, for the scanner."""
    tables, flags, at = [], [np.zeros(1, np.uint8)], 1
    for oid, slot in sorted(versions.current.items()):
        own = _column_flags(versions, slot)
        tables.append((oid, slot, len(own), at))
        flags.append(own)
        at += len(own)
    return np.array(tables, np.int64).reshape(-1, 4), np.concatenate(flags)


def _column_flags(versions: relation.Versions, slot: int) -> chunk.Ops:
    columns, key = versions.relations[slot].columns, versions.key_numbers(slot)
    flags = [scan.IDENTITY * c.key + scan.KEY * (i in key) for i, c in enumerate(columns)]
    return np.array(flags, np.uint8)


def _mark(counts: Sequence[int] | chunk.Ints) -> window.Mark:
    return window.Mark(*(int(n) for n in counts))


def _grown(array: npt.NDArray[Number], used: int, wanted: int) -> npt.NDArray[Number]:
    """A larger array with the same beginning."""
    larger = np.empty((max(wanted, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[:used] = array[:used]
    return larger
