"""Column changes: what can be followed exactly, and what stops the table."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tidewright.pipelines.decode import relation
from tidewright.pipelines.worker import evolve

KNOWN = (evolve.Known("id", 1, "int64"), evolve.Known("name", 2, "string"))
OLD = {"id": "int64", "name": "string"}


def live(
    **columns: tuple[int, str, bool] | tuple[int, str, bool, int],
) -> Mapping[str, evolve.Live]:
    return {name: evolve.Live(name, *facts) for name, facts in columns.items()}


NOW = live(id=(1, "int64", False), name=(2, "string", False), phone=(3, "string", False))


def test_add_and_drop() -> None:
    assert evolve.changes(KNOWN, {**OLD, "phone": "string"}, NOW, 2) == (
        evolve.Add("phone", "string"),
    )
    assert evolve.changes(KNOWN, {"id": "int64"}, NOW, 2) == (evolve.Drop("name"),)


def test_a_rename_is_told_by_its_number() -> None:
    now = live(id=(1, "int64", False), label=(2, "string", False))
    streamed = {"id": "int64", "label": "string"}
    assert evolve.changes(KNOWN, streamed, now, 2) == (evolve.Rename("name", "label"),)


def test_drop_and_add_in_one_step_is_not_a_rename() -> None:
    now = live(id=(1, "int64", False), label=(3, "string", False))
    streamed = {"id": "int64", "label": "string"}
    found = evolve.changes(KNOWN, streamed, now, 2)
    assert found == (evolve.Drop("name"), evolve.Add("label", "string"))


def test_widening() -> None:
    known = (evolve.Known("id", 1, "decimal128(10, 2)"),)
    wider = "decimal128(12, 2)"
    assert evolve.changes(known, {"id": wider}, NOW, 2) == (evolve.Promote("id", wider),)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (evolve.Shape(1, "a"), False),
        (evolve.Shape(2, "a"), False),
        (evolve.Shape(1, "b"), False),
        (evolve.Shape(2, "b"), True),
    ],
)
def test_only_a_rewrite_moves_rows_and_touches_columns(now: evolve.Shape, expected: bool) -> None:
    assert evolve.rewritten(evolve.Shape(1, "a"), now) is expected


def test_a_column_after_one_that_was_dropped_long_ago_is_added() -> None:
    now = live(phone=(4, "string", False, 3))
    found = evolve.changes(KNOWN, {**OLD, "phone": "string"}, now, 3)
    assert found == (evolve.Add("phone", "string"),)


@pytest.mark.parametrize(
    ("streamed", "now", "why"),
    [
        ({**OLD, "phone": "string"}, live(phone=(3, "string", True)), "default"),
        ({**OLD, "phone": "string"}, {}, "changed again"),
        ({**OLD, "phone": "string"}, live(phone=(4, "string", False, 3)), "changed again"),
        ({"id": "int64", "label": "string"}, {}, "look the same"),
        ({"id": "string", "name": "string"}, NOW, "changed its type"),
        ({"id": "int32", "name": "string"}, NOW, "changed its type"),
        ({"id": "decimal128(9, 2)", "name": "string"}, NOW, "changed its type"),
    ],
)
def test_what_would_be_a_guess_stops(
    streamed: Mapping[str, str], now: Mapping[str, evolve.Live], why: str
) -> None:
    with pytest.raises(evolve.Impossible, match=why):
        evolve.changes(KNOWN, streamed, now, 2)


def test_columns_that_readers_take_for_one_stop_the_table() -> None:
    evolve.told_apart(())
    with pytest.raises(evolve.Impossible, match="Id, id differ by case only"):
        evolve.told_apart(relation.alike(("Id", "name", "id")))
