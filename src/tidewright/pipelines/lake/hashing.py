"""Typed key columns to 128 key bits, vectorised: what the key index is sorted by.

A single integer key is its own 64 bits: exact. Every other key (text, decimal, date, timestamp,
bytes, composite) becomes the SipHash-1-3-128 of the canonical bytes of its typed values, under a
secret: users choose their keys, and nobody may be able to choose two that collide. The index is
rebuilt at start, so the secret is made per process and never stored. Next: ``keyindex``.
The tests hold the same hash in plain Python, checked against the published vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewright import errors

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

SECRET_BYTES = 16
# Rows hashed at a time: the four state words of a chunk stay in the processor's cache.
_CHUNK = 16384


@dataclass(frozen=True, slots=True)
class Keys:
    """The bits of many keys. ``hi`` is None where ``lo`` alone is exact (one integer column)."""

    lo: U64
    hi: U64 | None

    def __len__(self) -> int:
        return len(self.lo)

    def take(self, places: I64) -> Keys:
        """The keys at these places, in that order."""
        return Keys(self.lo[places], None if self.hi is None else self.hi[places])

    def last_of_each(self) -> I64:
        """The place of the last occurrence of every distinct key, sorted by key."""
        order = np.argsort(self.lo, kind="stable")
        same = self.lo[order[1:]] == self.lo[order[:-1]]
        if self.hi is not None and same.any():
            # Equal lo with different hi must not interleave, or a key would be seen twice.
            order = np.lexsort((self.hi, self.lo))
            same = self.lo[order[1:]] == self.lo[order[:-1]]
            same &= self.hi[order[1:]] == self.hi[order[:-1]]
        return order[np.append(~same, True)] if len(order) else order


def exact(types: Sequence[pa.DataType]) -> bool:
    """Whether keys of these types are one integer, so that 64 bits hold them exactly."""
    return len(types) == 1 and pa.types.is_integer(types[0])


def keys_of(rows: pa.Table, key: Sequence[str], secret: bytes) -> Keys:
    """The keys of ``rows``, in order. Raises when a key column holds a null."""
    columns = [_flat(rows.column(name), name) for name in key]
    if exact([column.type for column in columns]):
        return Keys(_integers(columns[0]), None)
    if len(columns) == 1:
        lo, hi = _column_bits(columns[0], key[0], secret)
        return Keys(lo, hi)
    # Each column gives 16 bytes whatever its length, so no two lists of values share their bytes.
    words = [bits for c, n in zip(columns, key, strict=True) for bits in _column_bits(c, n, secret)]
    lo, hi = siphash_fixed(np.stack(words, axis=1), secret)
    return Keys(lo, hi)


def _flat(column: pa.ChunkedArray, name: str) -> pa.Array:
    """One plain array: no chunks, no dictionary, no extension type, no null."""
    if column.null_count:
        raise errors.Refused(
            "lake.key_null",
            f"the key column {name} holds {column.null_count} null values",
            f"column {name}",
            "A primary key has no nulls: check that the table's key is what the source says it is.",
        )
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    flat = column.combine_chunks()
    if isinstance(flat, pa.ChunkedArray):
        flat = pa.concat_arrays(flat.chunks) if flat.num_chunks else pa.array([], flat.type)
    return flat.storage if isinstance(flat, pa.ExtensionArray) else flat


def _integers(column: pa.Array) -> U64:
    """Integers as 64 bits. Neighbours stay neighbours: sorted look-ups then share cache lines."""
    wide = column.cast(pa.uint64() if column.type == pa.uint64() else pa.int64())
    bits: U64 = wide.to_numpy(zero_copy_only=False).view(np.uint64)
    return bits


def _column_bits(column: pa.Array, name: str, secret: bytes) -> tuple[U64, U64]:
    """128 bits of one column: the hash of variable bytes, or the value's own bits where they fit.

    Widths are made one (every integer 64 bits, every decimal 128), because a column may be
    promoted while files of the older type live on.
    """
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        column = column.cast(pa.large_binary())
        kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return _variable(column, secret)
    if pa.types.is_fixed_size_binary(kind):
        return _variable(column.cast(pa.binary(kind.byte_width)).cast(pa.large_binary()), secret)
    if pa.types.is_decimal(kind):
        return siphash_fixed(_decimals(column), secret)
    words = np.zeros((len(column), 2), np.uint64)
    words[:, 0] = _scalars(column, name)
    return siphash_fixed(words, secret)


def _scalars(column: pa.Array, name: str) -> U64:
    """Fixed-width values as 64 bits each, equal for equal values of any width of their kind."""
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return _integers(column)
    if pa.types.is_floating(kind):
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False) + 0.0  # no minus zero
        return np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64)
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return _integers(column.view(pa.int32()))
    if pa.types.is_temporal(kind):
        return _integers(column.view(pa.int64()))
    raise errors.Unsupported(
        "lake.key_type",
        f"the key column {name} has the type {kind}, which cannot be a key",
        f"column {name}",
        "Use a key of numbers, text, bytes, dates or times.",
    )


def _decimals(column: pa.Array) -> U64:
    """Unscaled decimals as two's complement of 128 bits."""
    kind = column.type
    wide = column.cast(pa.decimal128(38, kind.scale))
    data = wide.buffers()[1]
    if data is None:
        return np.zeros((0, 2), np.uint64)
    words = np.frombuffer(data, np.uint64, count=2 * (wide.offset + len(wide)))
    return words.reshape(-1, 2)[wide.offset :]


def _variable(column: pa.Array, secret: bytes) -> tuple[U64, U64]:
    """The hash of every value of a large string or large binary array."""
    lo, hi = np.empty(len(column), np.uint64), np.empty(len(column), np.uint64)
    if not len(column):
        return lo, hi
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    whole = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    for first in range(0, len(column), _CHUNK):
        bounds = ends[first : first + _CHUNK + 1]
        data = whole[bounds[0] : bounds[-1]]
        place = slice(first, first + len(bounds) - 1)
        lo[place], hi[place] = _hash_chunk(data, bounds - bounds[0], secret)
    return lo, hi


def _hash_chunk(data: Bytes, bounds: I64, secret: bytes) -> tuple[U64, U64]:
    """SipHash of the values ``data[bounds[i]:bounds[i + 1]]``, longest first so that every round
    runs on a prefix of the rows.
    """
    padded = np.concatenate([data, np.zeros(8, np.uint8)])
    # The 8 bytes that start at any byte, as one number, without a copy.
    words: U64 = np.ndarray((len(padded) - 7,), "<u8", buffer=padded, strides=(1,))
    lengths = np.diff(bounds)
    order = np.argsort(-(lengths >> 3), kind="stable")
    starts, lengths = bounds[:-1][order], lengths[order]
    blocks = lengths >> 3
    state = _initial(len(lengths), secret)
    for block in range(int(blocks[0])):
        rows = int(np.searchsorted(-blocks, -block))
        _absorb([v[:rows] for v in state], words[starts[:rows] + 8 * block])
    tail = words[starts + 8 * blocks] & _TAIL_MASKS[lengths & 7]
    _absorb(state, tail | (lengths.astype(np.uint64) << np.uint64(56)))
    lo, hi = np.empty_like(tail), np.empty_like(tail)
    lo[order], hi[order] = _finish(state)
    return lo, hi


def siphash_fixed(words: U64, secret: bytes) -> tuple[U64, U64]:
    """SipHash-1-3-128 of rows of whole 8-byte words, as (low, high) halves."""
    lo, hi = np.empty(len(words), np.uint64), np.empty(len(words), np.uint64)
    length = np.uint64((8 * words.shape[1] & 0xFF) << 56)
    for first in range(0, len(words), _CHUNK):
        rows = words[first : first + _CHUNK]
        state = _initial(len(rows), secret)
        for column in rows.T:
            _absorb(state, np.ascontiguousarray(column))
        _absorb(state, np.full(len(rows), length))
        lo[first : first + _CHUNK], hi[first : first + _CHUNK] = _finish(state)
    return lo, hi


_TAIL_MASKS: U64 = np.array([(1 << (8 * n)) - 1 for n in range(8)], np.uint64)
_INITIAL = (0x736F6D6570736575, 0x646F72616E646F6D ^ 0xEE, 0x6C7967656E657261, 0x7465646279746573)


def _initial(rows: int, secret: bytes) -> list[U64]:
    k0, k1 = (int.from_bytes(secret[i : i + 8], "little") for i in (0, 8))
    return [
        np.full(rows, word ^ k, np.uint64) for word, k in zip(_INITIAL, (k0, k1) * 2, strict=True)
    ]


def _absorb(state: list[U64], word: U64) -> None:
    state[3] ^= word
    _round(state)
    state[0] ^= word


def _finish(state: list[U64]) -> tuple[U64, U64]:
    v0, v1, v2, v3 = state
    v2 ^= np.uint64(0xEE)
    halves = []
    for _ in range(2):
        for _ in range(3):
            _round(state)
        halves.append(v0 ^ v1 ^ v2 ^ v3)
        v1 ^= np.uint64(0xDD)
    return halves[0], halves[1]


def _round(state: list[U64]) -> None:
    """One SipRound, in place."""
    v0, v1, v2, v3 = state
    v0 += v1
    _rotate(v1, 13)
    v1 ^= v0
    _rotate(v0, 32)
    v2 += v3
    _rotate(v3, 16)
    v3 ^= v2
    v0 += v3
    _rotate(v3, 21)
    v3 ^= v0
    v2 += v1
    _rotate(v1, 17)
    v1 ^= v2
    _rotate(v2, 32)


def _rotate(value: U64, bits: int) -> None:
    high = value >> np.uint64(64 - bits)
    value <<= np.uint64(bits)
    value |= high
