"""The vectorised hash against a plain one, and what counts as the same key."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest

from tidewright import errors
from tidewright.pipelines.lake import hashing

SECRET = bytes(range(16))
MASK = (1 << 64) - 1


def plain_siphash(data: bytes, key: bytes, rounds: tuple[int, int] = (1, 3)) -> bytes:
    """SipHash with 128 bits of output, written after the paper: slow, obvious."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [0x736F6D6570736575 ^ k0, 0x646F72616E646F6D ^ k1 ^ 0xEE]
    v += [0x6C7967656E657261 ^ k0, 0x7465646279746573 ^ k1]

    def turn(x: int, bits: int) -> int:
        return ((x << bits) | (x >> (64 - bits))) & MASK

    def sip(times: int) -> None:
        for _ in range(times):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = turn(v[1], 13) ^ v[0]
            v[0] = turn(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = turn(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = turn(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = turn(v[1], 17) ^ v[2]
            v[2] = turn(v[2], 32)

    tail = data[len(data) // 8 * 8 :]
    last = tail + bytes(7 - len(tail)) + bytes([len(data) & 0xFF])
    for i in range(0, len(data) // 8 * 8 + 8, 8):
        word = int.from_bytes((data + bytes(8))[i : i + 8], "little")
        if i == len(data) // 8 * 8:
            word = int.from_bytes(last, "little")
        v[3] ^= word
        sip(rounds[0])
        v[0] ^= word
    v[2] ^= 0xEE
    sip(rounds[1])
    out = (v[0] ^ v[1] ^ v[2] ^ v[3]).to_bytes(8, "little")
    v[1] ^= 0xDD
    sip(rounds[1])
    return out + (v[0] ^ v[1] ^ v[2] ^ v[3]).to_bytes(8, "little")


def digests(keys: hashing.Keys) -> list[bytes]:
    assert keys.hi is not None
    pairs = zip(keys.lo.tolist(), keys.hi.tolist(), strict=True)
    return [lo.to_bytes(8, "little") + hi.to_bytes(8, "little") for lo, hi in pairs]


def keys(**columns: pa.Array) -> hashing.Keys:
    return hashing.keys_of(pa.table(columns), tuple(columns), SECRET)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, "a3817f04ba25a8e66df67214c7550293"),
        (1, "da87c1d86b99af44347659119b22fc45"),
        (2, "8177228da4a45dc7fca38bdef60affe4"),
        (3, "9c70b60c5267a94e5f33b6b02985ed51"),
        (8, "3b62a9ba6258f5610f83e264f31497b4"),
        (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
        (63, "5150d1772f50834a503e069a973fbd7c"),
    ],
)
def test_the_plain_hash_gives_the_published_vectors_in_its_2_4_form(
    length: int, expected: str
) -> None:
    assert plain_siphash(bytes(range(length)), SECRET, (2, 4)).hex() == expected


def test_text_of_every_length_hashes_as_the_plain_hash_says() -> None:
    rng = np.random.default_rng(5)
    lengths = [*range(70), 255, 256, 257, 1000, *rng.integers(0, 40, 300).tolist()]
    values = [bytes(rng.integers(32, 127, n, dtype=np.uint8)).decode() for n in lengths]
    expected = [plain_siphash(v.encode(), SECRET) for v in values]
    assert digests(keys(k=pa.array(values))) == expected
    assert digests(keys(k=pa.array(values).cast(pa.large_string()))) == expected
    assert digests(keys(k=pa.array([v.encode() for v in values]))) == expected


def test_more_rows_than_one_chunk_hash_the_same_as_one_by_one() -> None:
    values = [f"user-{n}" + "é" * (n % 5) for n in range(40_000)]
    some = [0, 16383, 16384, 32767, 32768, 39_999]
    found = digests(keys(k=pa.array(values)))
    assert [found[i] for i in some] == [plain_siphash(values[i].encode(), SECRET) for i in some]
    assert len(set(found)) == len(values)


def test_slices_chunks_and_dictionaries_do_not_change_a_key() -> None:
    values = [f"k{n % 50}" for n in range(200)]
    whole = digests(keys(k=pa.array(values)))
    assert digests(keys(k=pa.array(["x", *values, "y"])[1:-1])) == whole
    chunked = pa.chunked_array([pa.array(values[:70]), pa.array([], pa.string()), values[70:]])
    assert digests(keys(k=chunked)) == whole
    assert digests(keys(k=pa.array(values).dictionary_encode())) == whole
    wide = pa.array(["x", *values]).cast(pa.large_string())[1:]
    assert digests(keys(k=wide)) == whole


@pytest.mark.parametrize("kind", [pa.int8(), pa.int16(), pa.int32(), pa.int64()])
def test_one_integer_is_its_own_bits_in_any_width(kind: pa.DataType) -> None:
    found = keys(k=pa.array([5, -1, 0, 127, -128], kind))
    assert found.hi is None
    assert found.lo.view(np.int64).tolist() == [5, -1, 0, 127, -128]


def test_unsigned_integers_keep_their_highest_bit() -> None:
    assert keys(k=pa.array([2**64 - 1, 2**63], pa.uint64())).lo.tolist() == [2**64 - 1, 2**63]


def two_words(low: int, high: int = 0) -> bytes:
    words = [(word & MASK).to_bytes(8, "little") for word in (low, high)]
    return plain_siphash(b"".join(words), SECRET)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([datetime.date(1970, 1, 11)]), two_words(10)),
        (pa.array([1_000_000], pa.timestamp("us")), two_words(1_000_000)),
        (pa.array([-1], pa.timestamp("us", "UTC")), two_words(-1)),
        (pa.array([7], pa.time64("us")), two_words(7)),
        (pa.array([True]), two_words(1)),
        (pa.array([decimal.Decimal("-1.50")]), two_words(-150, -1)),
        (pa.array([-0.0]), two_words(0)),
        (pa.array([1.5], pa.float32()), two_words(0x3FF8000000000000)),
    ],
)
def test_fixed_width_values_hash_by_value(column: pa.Array, expected: bytes) -> None:
    assert digests(keys(k=column)) == [expected]


def test_a_promoted_column_keeps_its_keys() -> None:
    names = pa.array(["a", "b"])
    narrow = digests(keys(n=pa.array([1, 2], pa.int32()), t=names))
    assert digests(keys(n=pa.array([1, 2], pa.int64()), t=names)) == narrow
    value = pa.array([decimal.Decimal("1.25"), decimal.Decimal("2.00")])
    short = digests(keys(d=value.cast(pa.decimal128(5, 2))))
    assert digests(keys(d=value.cast(pa.decimal128(20, 2)))) == short


def test_sliced_decimals_and_fixed_bytes_keep_their_values() -> None:
    numbers = pa.array([decimal.Decimal(n) for n in range(5)], pa.decimal128(9, 2))
    assert digests(keys(k=numbers[3:])) == digests(keys(k=numbers))[3:]
    ids = pa.array([bytes([n]) * 16 for n in range(5)], pa.binary(16))
    assert digests(keys(k=ids[2:])) == [plain_siphash(bytes([n]) * 16, SECRET) for n in (2, 3, 4)]


def test_a_composite_key_hashes_its_columns_apart() -> None:
    left, right = pa.array(["ab", "a", ""]), pa.array(["c", "bc", "abc"])
    found = digests(keys(a=left, b=right))
    assert len(set(found)) == 3
    first = plain_siphash(b"ab", SECRET) + plain_siphash(b"c", SECRET)
    assert found[0] == plain_siphash(first, SECRET)


def test_another_secret_gives_another_hash() -> None:
    table = pa.table({"k": ["a"]})
    other = hashing.keys_of(table, ("k",), bytes(16))
    assert digests(other) != digests(keys(k=table["k"]))


def test_no_rows_give_no_keys() -> None:
    for kind in (pa.int64(), pa.string(), pa.decimal128(9, 2), pa.date32()):
        assert len(keys(k=pa.array([], kind))) == 0


def test_a_null_key_is_refused() -> None:
    with pytest.raises(errors.Refused, match=r"lake\.key_null"):
        keys(a=pa.array([1, None]))


def test_a_key_that_cannot_be_compared_is_unsupported() -> None:
    with pytest.raises(errors.Unsupported, match=r"lake\.key_type"):
        keys(a=pa.array([[1], [2]]))


def test_the_last_occurrence_of_each_key_is_found() -> None:
    found = keys(k=pa.array([7, 3, 7, 3, 9]))
    assert sorted(found.last_of_each().tolist()) == [2, 3, 4]
    assert keys(k=pa.array([], pa.int64())).last_of_each().tolist() == []


def test_keys_that_share_their_low_half_stay_apart() -> None:
    lo = np.array([4, 4, 4, 4, 1], np.uint64)
    hi = np.array([1, 2, 1, 2, 2], np.uint64)
    assert sorted(hashing.Keys(lo, hi).last_of_each().tolist()) == [2, 3, 4]
