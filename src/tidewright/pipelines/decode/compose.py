"""Kernels that write JSON text, one column at a time into every row: the twin of ``jsontext``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidewright.pipelines.decode import compiler

Bytes = npt.NDArray[np.uint8]
Ends = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]

STRING, NUMBER, WORD, BOOLEAN, EMBEDDED = range(5)
HIDDEN, NULL, VALUE = range(3)
_QUOTE, _ESCAPE, _MINUS, _LOWER_U, _ZERO, _COMMA, _OPEN, _CLOSE, _TRUE = b'"\\-u0,{}t'
_NULL_TEXT = np.frombuffer(b"null", np.uint8)
_TRUE_TEXT = np.frombuffer(b"true", np.uint8)
_FALSE_TEXT = np.frombuffer(b"false", np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)

# What a byte becomes inside a string: 0 itself, 1 a six-byte \u form, else that letter escaped.
_ESCAPED = np.zeros(256, np.uint8)
_ESCAPED[:32] = 1
for _byte, _letter in zip(b'"\\\b\f\n\r\t', b'"\\bfnrt', strict=True):
    _ESCAPED[_byte] = _letter


@compiler.compiled
def _quoted(style: int, data: Bytes, start: int, end: int) -> bool:
    """Whether the value is a JSON string: always for strings; for numbers when it is a word."""
    if style == STRING:
        return True
    if style != WORD or start == end:
        return False
    first = data[start + 1] if data[start] == _MINUS and end > start + 1 else data[start]
    return bool(first > 64)


@compiler.compiled
def _size(style: int, data: Bytes, start: int, end: int) -> int:
    if style == BOOLEAN:
        return 4 if data[start] == _TRUE else 5
    size = end - start
    if _quoted(style, data, start, end):
        size += 2
        for i in range(start, end):
            escape = _ESCAPED[data[i]]
            if escape:
                size += 5 if escape == 1 else 1
    return size


@compiler.compiled
def sizes(ends: Ends, data: Bytes, flags: Bytes, label: Bytes, total: Ints) -> None:
    """Add to each row's size that of this column and its comma; ``label[0]`` is the style."""
    style, named = label[0], len(label)
    for i in range(len(flags)):
        if flags[i] == NULL:
            total[i] += named + 4
        elif flags[i] == VALUE:
            total[i] += named + _size(style, data, ends[i], ends[i + 1])


@compiler.compiled
def _copy(out: Bytes, at: int, source: Bytes, start: int, end: int) -> int:
    for i in range(start, end):
        out[at + i - start] = source[i]
    return at + end - start


@compiler.compiled
def _string(out: Bytes, at: int, data: Bytes, start: int, end: int) -> int:
    out[at] = _QUOTE
    at += 1
    for i in range(start, end):
        byte = data[i]
        escape = _ESCAPED[byte]
        if escape == 0:
            out[at] = byte
            at += 1
        elif escape == 1:
            out[at], out[at + 1], out[at + 2], out[at + 3] = _ESCAPE, _LOWER_U, _ZERO, _ZERO
            out[at + 4], out[at + 5] = _HEX[byte >> 4], _HEX[byte & 15]
            at += 6
        else:
            out[at], out[at + 1] = _ESCAPE, escape
            at += 2
    out[at] = _QUOTE
    return at + 1


@compiler.compiled
def write(ends: Ends, data: Bytes, flags: Bytes, label: Bytes, cursor: Ints, out: Bytes) -> None:
    """Write this column into each row at its cursor, with a comma behind."""
    style = label[0]
    for i in range(len(flags)):
        if flags[i] == HIDDEN:
            continue
        at = _copy(out, cursor[i], label, 1, len(label))
        start, end = ends[i], ends[i + 1]
        if flags[i] == NULL:
            at = _copy(out, at, _NULL_TEXT, 0, 4)
        elif style == BOOLEAN:
            true = data[start] == _TRUE
            at = _copy(out, at, _TRUE_TEXT, 0, 4) if true else _copy(out, at, _FALSE_TEXT, 0, 5)
        elif _quoted(style, data, start, end):
            at = _string(out, at, data, start, end)
        else:
            at = _copy(out, at, data, start, end)
        out[at] = _COMMA
        cursor[i] = at + 1


@compiler.compiled
def close(starts: Ints, cursor: Ints, out: Bytes) -> None:
    """Open and close each object that has room; the last comma becomes the closing brace."""
    for i in range(len(cursor)):
        if starts[i + 1] > starts[i]:
            out[starts[i]] = _OPEN
            out[starts[i + 1] - 1] = _CLOSE
