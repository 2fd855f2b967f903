"""Kernels over framed pgoutput: find the changes, then gather their values by column.

Each works on one buffer of whole messages. Layouts are numbers in integer arrays, named below;
``turbo`` owns the arrays. The meaning of every message is told in ``pgoutput``, the plain twin.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tidewright.pipelines.decode import compiler

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Int64: TypeAlias = Any  # numpy's in a kernel, which mypy would not let meet a plain int

# What stopped a scan.
END, RELATION, MESSAGE, FULL, UNKNOWN, MISFIT, OUTSIDE, UNSUPPORTED = range(8)
# The scanner's state.
AT, STOP, ROWS, DONE, PULSES, INSIDE, LSN, TIME, XID, SEQ = range(10)
C_ROWS, C_DONE, C_PULSES, C_AT, STATE_WIDTH = range(10, 15)  # as of the last complete transaction
# A row: OLD is the old tuple's place (negative for a key tuple, 0 for none); POS -1 has no tuple.
SLOT, OP, POS, OLD, R_LSN, R_XID, R_SEQ, R_TIME, ROW_WIDTH = range(9)
# A table, sorted by OID. FLAGS is where its column flags begin: 1 identity, 2 key.
T_OID, T_SLOT, T_COLUMNS, T_FLAGS = range(4)
IDENTITY, KEY = 1, 2
# Where a cell's value is.
HERE, NULL, UNSENT, IN_OLD = range(4)

_EPOCH = 946_684_800_000_000
_B, _C, _D, _I, _K, _M, _N, _O, _R, _T, _U, _Y = b"BCDIKMNORTUY"
_TEXT, _LEFT_OUT = b"tu"
_INSERT, _UPDATE, _DELETE, _TRUNCATE = b"cudt"


@compiler.inlined
def _u16(buf: Bytes, at: int) -> Int64:
    return (np.int64(buf[at]) << 8) | np.int64(buf[at + 1])


@compiler.inlined
def _u32(buf: Bytes, at: int) -> Int64:
    high = (np.int64(buf[at]) << 24) | (np.int64(buf[at + 1]) << 16)
    return high | (np.int64(buf[at + 2]) << 8) | np.int64(buf[at + 3])


@compiler.compiled
def _i64(buf: Bytes, at: int) -> Int64:
    value = np.int64(0)
    for i in range(8):
        value = (value << 8) | np.int64(buf[at + i])
    return value


@compiler.compiled
def _skip(buf: Bytes, at: int) -> int:
    """Where the tuple at ``at`` ends."""
    count = _u16(buf, at)
    at += 2
    for _ in range(count):
        at += 5 + _u32(buf, at + 1) if buf[at] == _TEXT else 1
    return at


@compiler.compiled
def _cell(buf: Bytes, at: int, number: int) -> int:
    """Where cell ``number`` of the tuple at ``at`` begins."""
    at += 2
    for _ in range(number):
        at += 5 + _u32(buf, at + 1) if buf[at] == _TEXT else 1
    return at


@compiler.compiled
def _same(buf: Bytes, a: int, b: int) -> bool:
    """Whether two cells are equal; a new one that was not sent is the old one."""
    if buf[b] == _LEFT_OUT:
        return True
    if buf[a] != _TEXT or buf[b] != _TEXT:
        return bool(buf[a] == buf[b])
    for i in range(1, 5 + _u32(buf, b + 1)):  # noqa: SIM110  numba compiles no generators
        if buf[a + i] != buf[b + i]:
            return False
    return True


@compiler.compiled
def _key_changed(buf: Bytes, old: int, new: int, flags: Bytes) -> bool:
    a, b = old + 2, new + 2
    for number in range(len(flags)):
        if flags[number] & KEY and not _same(buf, a, b):
            return True
        a += 5 + _u32(buf, a + 1) if buf[a] == _TEXT else 1
        b += 5 + _u32(buf, b + 1) if buf[b] == _TEXT else 1
    return False


@compiler.compiled
def _table(tables: Ints, oid: int) -> int:
    """The number of the table with this OID, by halving; -1 without one."""
    low, high = 0, len(tables)
    while low < high:
        middle = (low + high) // 2
        if tables[middle, T_OID] < oid:
            low = middle + 1
        else:
            high = middle
    return low if low < len(tables) and tables[low, T_OID] == oid else -1


@compiler.compiled
def _add(state: Ints, rows: Ints, slot: int, op: int, place: tuple[int, int]) -> None:
    row = rows[state[ROWS]]
    state[ROWS] += 1
    state[SEQ] += 1
    row[SLOT], row[OP], row[POS], row[OLD] = slot, op, place[0], place[1]
    row[R_LSN], row[R_TIME] = state[LSN], state[TIME]
    row[R_XID], row[R_SEQ] = state[XID], state[SEQ]


@compiler.compiled
def _begin(buf: Bytes, at: int, state: Ints) -> None:
    state[INSIDE], state[SEQ] = 1, 0
    state[LSN], state[TIME] = _i64(buf, at + 1), _i64(buf, at + 9) + _EPOCH
    state[XID] = _u32(buf, at + 17)


@compiler.compiled
def _commit(buf: Bytes, at: int, end: int, state: Ints, done: Ints) -> None:
    entry = done[state[DONE]]
    entry[0], entry[1] = _i64(buf, at + 2), _i64(buf, at + 10)
    entry[2] = _i64(buf, at + 18) + _EPOCH
    state[DONE] += 1
    state[INSIDE] = 0
    mark(state, end)


@compiler.compiled
def mark(state: Ints, end: int) -> None:
    """Remember that everything up to ``end`` is complete."""
    state[C_ROWS], state[C_DONE] = state[ROWS], state[DONE]
    state[C_PULSES], state[C_AT] = state[PULSES], end


@compiler.compiled
def _truncate(buf: Bytes, at: int, tables: Ints, state: Ints, rows: Ints) -> int:
    count = _u32(buf, at + 1)
    if state[ROWS] + count > len(rows):
        return FULL
    for i in range(count):
        if _table(tables, _u32(buf, at + 6 + 4 * i)) < 0:
            return UNKNOWN
    for i in range(count):
        number = _table(tables, _u32(buf, at + 6 + 4 * i))
        _add(state, rows, tables[number, T_SLOT], _TRUNCATE, (-1, 0))
    return END


@compiler.compiled
def _change(buf: Bytes, at: int, tables: Ints, flags: Bytes, state: Ints, rows: Ints) -> int:
    """An insert, update or delete whose message begins at ``at``."""
    number = _table(tables, _u32(buf, at + 1))
    if number < 0:
        return UNKNOWN
    slot, width, first = tables[number, T_SLOT], tables[number, T_COLUMNS], tables[number, T_FLAGS]
    if _u16(buf, at + 6) != width:
        return MISFIT
    if buf[at] == _I:
        _add(state, rows, slot, _INSERT, (at + 6, 0))
    elif buf[at] == _D:
        _add(state, rows, slot, _DELETE, (at + 6, 0))
    elif buf[at + 5] == _N:
        _add(state, rows, slot, _UPDATE, (at + 6, 0))
    else:
        old = at + 6
        new = _skip(buf, old) + 1
        if _u16(buf, new) != width:
            return MISFIT
        source = old if buf[at + 5] == _O else -old
        if _key_changed(buf, old, new, flags[first : first + width]):
            _add(state, rows, slot, _DELETE, (old, 0))
            _add(state, rows, slot, _INSERT, (new, source))
        else:
            _add(state, rows, slot, _UPDATE, (new, source))
    return END


@compiler.compiled
def scan(buf: Bytes, tables: Ints, flags: Bytes, state: Ints, rows: Ints, done: Ints) -> int:
    """Read messages from ``state[AT]`` on; returns why it stopped, with AT at that message."""
    while state[AT] < state[STOP]:
        at = state[AT] + 4
        end = at + _u32(buf, state[AT])
        kind = buf[at]
        if state[ROWS] + 2 > len(rows) or state[DONE] == len(done):
            return FULL
        if kind in (_I, _U, _D, _T):
            if not state[INSIDE]:
                return OUTSIDE
            if kind == _T:
                why = _truncate(buf, at, tables, state, rows)
            else:
                why = _change(buf, at, tables, flags, state, rows)
            if why != END:
                return why
        elif kind == _B:
            _begin(buf, at, state)
        elif kind == _C:
            _commit(buf, at, end, state, done)
        elif kind == _R:
            return RELATION
        elif kind == _M:
            return MESSAGE
        elif kind not in (_O, _Y):
            return UNSUPPORTED
        state[AT] = end
    return END


@compiler.compiled
def _left_out(buf: Bytes, old: int, number: int, flag: int) -> tuple[int, int]:
    """Where the value of a cell that was not sent is: in the old tuple, if that has it."""
    if old == 0 or (old < 0 and not flag & IDENTITY):
        return UNSENT, 0
    at = _cell(buf, abs(old), number)
    if buf[at] == _TEXT:
        return IN_OLD, _u32(buf, at + 1)
    return (UNSENT if buf[at] == _LEFT_OUT else NULL), 0


@compiler.compiled
def measure(buf: Bytes, rows: Ints, chosen: Ints, flags: Bytes, ends: Ints, where: Bytes) -> None:
    """Where each cell's value is, and where it will end in its column; ``ends[c, 0]`` is 0."""
    for i in range(len(chosen)):
        at, old = rows[chosen[i], POS] + 2, rows[chosen[i], OLD]
        for c in range(len(flags)):
            if at < 2:
                place, size = NULL, 0
            elif buf[at] == _TEXT:
                place, size = HERE, _u32(buf, at + 1)
                at += 5 + size
            elif buf[at] != _LEFT_OUT:
                place, size = NULL, 0
                at += 1
            else:
                place, size = _left_out(buf, old, c, flags[c])
                at += 1
            where[c, i] = place
            ends[c, i + 1] = ends[c, i] + size


@compiler.compiled
def gather(buf: Bytes, rows: Ints, chosen: Ints, starts: Ints, where: Bytes, out: Bytes) -> None:
    """Copy the values that ``measure`` found to their places in ``out``."""
    for i in range(len(chosen)):
        at, old = rows[chosen[i], POS] + 2, rows[chosen[i], OLD]
        if at < 2:
            continue
        for c in range(len(where)):
            source = at
            if where[c, i] == HERE:
                at += 5 + _u32(buf, at + 1)
            else:
                at += 1
                if where[c, i] == IN_OLD:
                    source = _cell(buf, abs(old), c)
            to = starts[c, i]
            for k in range(starts[c, i + 1] - to):
                out[to + k] = buf[source + 5 + k]
