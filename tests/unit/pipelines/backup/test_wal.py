"""Names of segments, and gaps between them."""

from __future__ import annotations

import pytest

from tidewright.pipelines.backup import wal


def test_numbers_go_on_past_the_end_of_a_log_file() -> None:
    assert wal.needed(1, "0/FE000028", "1/1000060") == (
        "0000000100000000000000FE", "0000000100000000000000FF",
        "000000010000000100000000", "000000010000000100000001",
    )  # fmt: skip
    assert wal.name(1, wal.number("000000010000000100000000")) == "000000010000000100000000"


def test_a_gap_is_named() -> None:
    have = ("000000010000000000000002", "000000010000000000000004")
    assert wal.missing(have, 1, "0/2000028", "0/4000000") == ("000000010000000000000003",)
    assert wal.missing(have, 2, "0/2000028", "0/2000100") == ("000000020000000000000002",)


def test_what_replay_begins_in_is_not_before_it() -> None:
    assert wal.is_before("000000010000000000000001", "0/2000028")
    assert not wal.is_before("000000010000000000000002", "0/2000028")
    assert not wal.is_before("000000010000000100000000", "0/FF000028")


def test_only_whole_segments_are_segments() -> None:
    assert wal.is_segment("000000010000000000000002")
    assert not wal.is_segment("000000010000000000000002.partial")
    assert not wal.is_segment("00000002.history")
    with pytest.raises(ValueError):
        wal.number("00000002.history")
