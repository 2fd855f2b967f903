"""The mark of a slot that was given back on purpose."""

from __future__ import annotations

from pathlib import Path

from tidewright.pipelines.worker import released


def test_only_the_named_slot_was_meant(tmp_path: Path) -> None:
    mark = tmp_path / released.MARK
    assert not released.is_meant(mark, "mine")
    mark.write_text("mine\n")
    assert released.is_meant(mark, "mine")
    assert not released.is_meant(mark, "other")
    released.clear(mark)
    assert not released.is_meant(mark, "mine")
