"""Streams that a server does not send; what it does send is in tests/contract/test_decoders.py."""

from __future__ import annotations

import struct

import pytest

from tidewright import errors
from tidewright.pipelines.decode import pgoutput, speed

BEGIN = b"B" + struct.pack(">qqI", 500, 7, 42)
COMMIT = b"C\0" + struct.pack(">qqq", 500, 600, 7)
RELATION = b"R\0\0\0\1s\0t\0d\0\1\1k\0" + struct.pack(">Ii", 25, -1)
INSERT = b"I\0\0\0\1N\0\1t\0\0\0\1a"


def frame(*messages: bytes) -> bytes:
    return b"".join(struct.pack(">i", len(m)) + m for m in messages)


@pytest.fixture(params=["plain", "compiled"])
def decoder(request):
    if request.param == "plain":
        return pgoutput.PureDecoder({}, 1000)
    if speed.load() is None:
        pytest.skip(str(speed.note()))
    return speed.load().TurboDecoder({}, 1000)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ((BEGIN, INSERT), "source.protocol"),
        ((RELATION, INSERT), "source.protocol"),
        ((BEGIN, RELATION, b"I\0\0\0\1N\0\2nn"), "source.protocol"),
        ((BEGIN, b"S123"), "source.unsupported_change"),
    ],
)
def test_a_stream_that_makes_no_sense_is_refused(decoder, messages, code):
    with pytest.raises(errors.PlatformError) as raised:
        decoder.feed(frame(*messages))
    assert raised.value.code == code


def test_nothing_fed_is_an_empty_chunk(decoder):
    assert decoder.take(1) is None
    found = decoder.finish()
    assert (found.parts, found.changes, found.open, len(found.end_lsn)) == ((), 0, False, 0)


def test_a_chunk_is_cut_after_the_last_whole_transaction(decoder):
    decoder.feed(frame(BEGIN, RELATION, INSERT, COMMIT, BEGIN, INSERT, INSERT))
    first = decoder.take(2)
    assert (first.changes, first.open, first.end_lsn.tolist()) == (1, False, [600])
    second = decoder.take(2)
    assert (second.changes, second.open, second.end_lsn.tolist()) == (2, True, [])
    decoder.feed(frame(INSERT, COMMIT))
    last = decoder.finish()
    assert (last.changes, last.open, last.end_lsn.tolist()) == (1, False, [600])
    assert last.parts[0].seq.tolist() == [3]


def test_a_wide_transaction_is_handed_on_by_bytes(decoder):
    wide = b"I\0\0\0\1N\0\1t" + struct.pack(">i", 400) + b"x" * 400
    decoder.feed(frame(BEGIN, RELATION, wide, wide))
    assert decoder.take(100) is None
    decoder.feed(frame(wide))
    assert decoder.take(100).changes == 3


def test_origins_and_types_are_passed_over(decoder):
    decoder.feed(
        frame(BEGIN, b"O" + bytes(8) + b"o\0", b"Y\0\0\0\1s\0t\0", RELATION, INSERT, COMMIT)
    )
    assert decoder.finish().changes == 1
