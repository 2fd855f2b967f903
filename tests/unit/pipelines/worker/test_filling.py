"""Unsent TOAST values: from the same chunk first, else from the lake, through key changes too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tidewright.pipelines.decode import chunk, relation
from tidewright.pipelines.worker import filling

RELATION = relation.Relation(
    1, "bank", "notes", "d",
    (relation.Column("id", 23, -1, True), relation.Column("body", 25, -1, False)),
)  # fmt: skip


def part(rows: Sequence[tuple[str, str, str | None, bool]]) -> chunk.Part:
    """Rows of (operation, id, body, unsent)."""
    ops, ids, bodies, unsent = zip(*rows, strict=True)
    zeros = np.zeros(len(rows), np.int64)
    return chunk.Part(
        RELATION, np.array([ord(o) for o in ops], np.uint8), zeros, zeros, zeros, zeros,
        (pa.array(ids), pa.array(bodies, pa.string())), {1: np.array(unsent)},
    )  # fmt: skip


def fill(rows: Sequence[tuple[str, str, str | None, bool]]) -> list[str | None]:
    given = part(rows)

    def lake(asked: Sequence[int], names: Sequence[str]) -> pa.Table:
        keys = [rows[i][1] for i in asked]
        return pa.table({name: [f"lake {key}" for key in keys] for name in names})

    done = filling.fill(given, (0,), lake)
    assert not done.unchanged
    return list(done.columns[1].to_pylist())


def test_from_the_lake() -> None:
    assert fill([("u", "1", None, True)]) == ["lake 1"]


def test_an_earlier_change_of_the_key_wins() -> None:
    assert fill([("c", "1", "new", False), ("u", "1", None, True)]) == ["new", "new"]


def test_filled_values_are_passed_on() -> None:
    assert fill([("u", "1", None, True), ("u", "1", None, True)]) == ["lake 1", "lake 1"]


def test_a_null_that_was_sent_stays_null() -> None:
    assert fill([("u", "1", None, False), ("u", "1", None, True)]) == [None, None]


def test_through_a_key_change() -> None:
    rows = [("d", "1", None, False), ("c", "2", None, True)]
    assert fill(rows) == [None, "lake 1"]


def test_through_a_key_change_of_a_row_changed_before() -> None:
    rows = [("u", "1", "new", False), ("d", "1", None, False), ("c", "2", None, True)]
    assert fill(rows) == ["new", None, "new"]


def test_a_key_that_was_left_and_taken_again() -> None:
    rows = [
        ("d", "1", None, False), ("c", "2", None, True), ("c", "1", "other", False),
        ("u", "1", None, True), ("u", "2", None, True),
    ]  # fmt: skip
    assert fill(rows) == [None, "lake 1", "other", "other", "lake 1"]
