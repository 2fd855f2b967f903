r"""PostgreSQL's hex form of ``bytea`` (``\x00ff``) to bytes and back, a whole column at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Sizes = npt.NDArray[np.int64]
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_NIBBLES = np.zeros(256, np.uint8)
_NIBBLES[_DIGITS] = np.arange(16, dtype=np.uint8)
_LEAD = np.frombuffer(b"\\x", np.uint8)


def to_bytes(text: pa.Array) -> pa.Array:
    """A text array of hex forms as a binary array."""
    ends, data = _parts(text)
    nibbles = _NIBBLES[data[_body(ends)]]
    values = ((nibbles[0::2] << 4) | nibbles[1::2]).astype(np.uint8)
    return _array(pa.binary(), text, np.maximum(np.diff(ends) - 2, 0) // 2, values)


def to_text(values: pa.Array) -> pa.Array:
    """A binary array as hex forms: the inverse of ``to_bytes``."""
    ends, data = _parts(values)
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    sizes = np.diff(ends) * 2 + np.where(valid, 2, 0)
    out = np.empty(int(sizes.sum()), np.uint8)
    body = _body(np.concatenate(([0], np.cumsum(sizes))))
    digits = np.empty(2 * len(data), np.uint8)
    digits[0::2] = _DIGITS[data >> 4]
    digits[1::2] = _DIGITS[data & 15]
    out[body] = digits
    out[~body] = np.resize(_LEAD, int((~body).sum()))
    return _array(pa.string(), values, sizes, out)


def _body(ends: Sizes) -> npt.NDArray[np.bool_]:
    """Which bytes of hex forms are digits: all but the two that lead each value."""
    body = np.ones(int(ends[-1]), bool)
    starts = ends[:-1][np.diff(ends) > 0]
    body[starts] = False
    body[starts + 1] = False
    return body


def _parts(array: pa.Array) -> tuple[Sizes, Bytes]:
    """Where each value ends, from 0 on, and their bytes."""
    _, ends, data = array.buffers()
    if not len(array):
        return np.zeros(1, np.int64), np.empty(0, np.uint8)
    own = np.frombuffer(ends, np.int32)[array.offset : array.offset + len(array) + 1]
    bytes_ = np.frombuffer(data or b"", np.uint8)[own[0] : own[-1]]
    return (own - own[0]).astype(np.int64), bytes_


def _array(kind: pa.DataType, like: pa.Array, sizes: Sizes, data: Bytes) -> pa.Array:
    """Values of these sizes, null where ``like`` is."""
    validity = None
    if like.null_count:
        valid = like.is_valid().to_numpy(zero_copy_only=False)
        validity = pa.py_buffer(np.packbits(valid, bitorder="little"))
    ends = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    return pa.Array.from_buffers(
        kind, len(like), [validity, pa.py_buffer(ends), pa.py_buffer(data)]
    )
