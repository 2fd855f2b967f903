"""Columns are known by field id; only changes that old files can follow are allowed."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import (
    DecimalType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
)

from tidewright import errors
from tidewright.pipelines.lake import schema

BASE = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "n", IntegerType()),
    NestedField(3, "d", DecimalType(9, 2)),
    identifier_field_ids=[1],
)
KEY = frozenset({1})


def test_added_columns_get_new_ids_even_under_an_old_name() -> None:
    after, last = schema.evolve(
        BASE, [schema.DropColumn("n"), schema.AddColumn("n", StringType())], 3, KEY
    )
    assert [(f.field_id, f.name, f.required) for f in after.fields] == [
        (1, "id", True), (3, "d", False), (4, "n", False)
    ]  # fmt: skip
    assert (last, after.schema_id, after.identifier_field_ids) == (4, 1, [1])


def test_a_list_takes_two_ids() -> None:
    list_ = ListType(0, LongType(), element_required=False)
    after, last = schema.evolve(BASE, [schema.AddColumn("l", list_)], 3, KEY)
    assert last == 5
    assert after.find_field("l.element").field_id == 5


@pytest.mark.parametrize(
    "change",
    [
        schema.DropColumn("id"),
        schema.DropColumn("nowhere"),
        schema.AddColumn("n", LongType()),
        schema.RenameColumn("n", "d"),
        schema.Promote("n", StringType()),
        schema.Promote("d", DecimalType(9, 3)),
        schema.Promote("d", DecimalType(8, 2)),
    ],
)
def test_what_old_files_cannot_follow_is_refused(change: schema.Change) -> None:
    with pytest.raises(errors.Unsupported, match=r"lake\.schema_change"):
        schema.evolve(BASE, [change], 3, KEY)


def test_numbers_widen() -> None:
    changes = [schema.Promote("n", LongType()), schema.Promote("d", DecimalType(18, 2))]
    after, _ = schema.evolve(BASE, changes, 3, KEY)
    assert [str(f.field_type) for f in after.fields] == ["long", "long", "decimal(18, 2)"]


def test_rows_are_made_to_fit_by_name_without_loss() -> None:
    target = schema.arrow_schema(BASE)
    rows = pa.table({"n": pa.array([1], pa.int8()), "id": pa.array([2], pa.int64())})
    found = schema.conform(rows, target)
    assert found.to_pylist() == [{"id": 2, "n": 1, "d": None}]
    assert found.schema.field("n").metadata == {schema.FIELD_ID: b"2"}
    with pytest.raises(pa.ArrowInvalid):
        schema.conform(rows.set_column(0, "n", pa.array([1 << 40])), target)


def test_old_rows_are_read_by_id() -> None:
    old = pa.table({"n": pa.array([7], pa.int32())}, schema=pa.schema(
        [pa.field("n", pa.int32(), metadata={schema.FIELD_ID: b"2"})]
    ))  # fmt: skip
    changes = [schema.RenameColumn("n", "m"), schema.Promote("m", LongType())]
    after, _ = schema.evolve(BASE, [*changes, schema.AddColumn("n", StringType())], 3, KEY)
    target = pa.schema([f for f in schema.arrow_schema(after) if f.name in ("m", "n")])
    assert schema.project(old, target).to_pylist() == [{"m": 7, "n": None}]


def test_a_nested_type_is_refused() -> None:
    with pytest.raises(errors.Unsupported):
        schema.arrow_type(StructType())
