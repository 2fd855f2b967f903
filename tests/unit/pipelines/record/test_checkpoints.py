"""Where readers stood, from what Flink writes."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from pyarrow import fs

from tidewright.pipelines.record import checkpoints

TOPIC = "dbserver1.bank.accounts"
NEVER = -(2**63)


def split(number: int, offset: int, stop: int = NEVER, topic: str = TOPIC) -> bytes:
    name = topic.encode()
    return struct.pack(">H", len(name)) + name + struct.pack(">iqq", number, offset, stop)


def test_the_least_and_the_most_of_two_readers() -> None:
    data = b"\x00head" + split(0, 7) + split(1, 3) + b"between" + split(1, 4) + split(0, 7) + b"end"
    found = checkpoints.stood(data, [(TOPIC, 0), (TOPIC, 1)], 2)
    assert found.least == {(TOPIC, 0): 7, (TOPIC, 1): 3}
    assert found.most == {(TOPIC, 0): 7, (TOPIC, 1): 4}


def test_the_coordinators_own_list_and_longer_names_are_left_out() -> None:
    """The coordinator names partitions without offsets; a longer topic only begins alike."""
    data = split(0, 7) + split(0, 99, stop=5) + split(0, 50, topic=TOPIC + "_old")
    assert checkpoints.stood(data, [(TOPIC, 0)], 1).most == {(TOPIC, 0): 7}


def test_a_reader_that_has_not_begun_stands_at_nothing() -> None:
    assert checkpoints.stood(split(0, -2), [(TOPIC, 0)], 1).least == {(TOPIC, 0): 0}


@pytest.mark.parametrize(
    "data", [b"", split(0, 7), split(0, 7) * 3, split(0, 7) + split(0, 7)[:-1]]
)
def test_anything_but_one_offset_for_each_reader_is_unreadable(data: bytes) -> None:
    with pytest.raises(checkpoints.Unreadable, match="2 offsets of dbserver1"):
        checkpoints.stood(data, [(TOPIC, 0)], 2)


def test_complete_ones_are_listed_by_number(tmp_path: Path) -> None:
    for name in ("a/chk-9", "b/chk-10", "a/shared", "b/chk-11"):
        (tmp_path / name).mkdir(parents=True)
        if name != "b/chk-11":  # its file comes last, so this one is not complete
            (tmp_path / name / "_metadata").touch()
    found = checkpoints.complete(fs.LocalFileSystem(), str(tmp_path))
    assert [c.number for c in found] == [9, 10]
    assert found[1].file.endswith("b/chk-10/_metadata")
