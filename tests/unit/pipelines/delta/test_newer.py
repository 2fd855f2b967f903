"""Who follows a Delta table: nothing there yet, or nothing that can be read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tidewright import errors
from tidewright.pipelines.delta import newer, table

SHAPE = table.Shape(
    "shop.visits",
    pa.schema([("id", pa.int64()), ("at", pa.int64()), ("state", pa.string())]),
    "state",
)


def test_a_table_that_is_not_there_yet_has_nothing_newer(tmp_path: Path) -> None:
    assert newer.Follower(tmp_path / "none", "f", "closed", "at").newer(0) is None


def test_a_damaged_log_is_said_and_tried_again(tmp_path: Path) -> None:
    made = table.open_table(tmp_path, SHAPE, "f", "source-1")
    made.commit(table.Commit(1, [("closed", pa.table({"id": [1], "at": [1]}, SHAPE.stored))]))
    (made.root / "_delta_log" / f"{1:020}.json").write_text("{ half a line")
    follower = newer.Follower(made.root, "f", "closed", "at")
    with pytest.raises(errors.Transient, match=r"lake\.delta_unreadable"):
        follower.newer(0)
