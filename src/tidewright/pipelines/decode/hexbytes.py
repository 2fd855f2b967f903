r"""PostgreSQL's hex form of ``bytea`` (``\x00ff``) to bytes and back, a whole column at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes = npt.NDArray[np.uint8]
Ends = npt.NDArray[np.int32]
_NIBBLE = np.zeros(256, np.uint8)
_NIBBLE[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)
_DIGIT = np.frombuffer(b"0123456789abcdef", np.uint8)


def to_bytes(text: pa.Array) -> pa.Array:
    """A text array of hex forms as a binary array."""
    digits = pc.binary_slice(text.cast(pa.binary()), 2)
    digits = pa.concat_arrays([digits])  # offsets from zero
    offsets, data = _parts(digits)
    nibbles = _NIBBLE[data]
    values = ((nibbles[0::2] << 4) | nibbles[1::2]).astype(np.uint8)
    return _array(pa.binary(), digits, offsets // 2, values)


def to_text(values: pa.Array) -> pa.Array:
    """A binary array as hex forms: the inverse of ``to_bytes``."""
    values = pa.concat_arrays([values])
    offsets, data = _parts(values)
    digits = np.empty(2 * len(data), np.uint8)
    digits[0::2] = _DIGIT[data >> 4]
    digits[1::2] = _DIGIT[data & 15]
    text = _array(pa.string(), values, offsets * 2, digits)
    return pc.binary_join_element_wise("\\x", text, "")


def _parts(array: pa.Array) -> tuple[Ends, Bytes]:
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    size = int(ends[-1]) if len(array) else 0
    return ends, np.frombuffer(data, np.uint8)[:size] if data else np.empty(0, np.uint8)


def _array(kind: pa.DataType, like: pa.Array, offsets: Ends, data: Bytes) -> pa.Array:
    validity = pa.array(like.is_valid()).buffers()[1] if like.null_count else None
    buffers = [validity, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, len(like), buffers)
