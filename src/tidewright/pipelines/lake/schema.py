"""Columns: Iceberg schemas as Arrow schemas with field ids, rows made to fit, and changes.

A column is known by its field id, never by its name: a file written before a rename or a
promotion is read back through its ids. Flat tables only; a list of plain values is a column too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from tidewright import errors

FIELD_ID = b"PARQUET:field_id"

_PLAIN: dict[type[IcebergType], pa.DataType] = {
    BooleanType: pa.bool_(),
    IntegerType: pa.int32(),
    LongType: pa.int64(),
    FloatType: pa.float32(),
    DoubleType: pa.float64(),
    DateType: pa.date32(),
    TimeType: pa.time64("us"),
    TimestampType: pa.timestamp("us"),
    TimestamptzType: pa.timestamp("us", tz="UTC"),
    StringType: pa.string(),
    BinaryType: pa.binary(),
    UUIDType: pa.uuid(),
}
_PROMOTIONS = {(IntegerType, LongType), (FloatType, DoubleType)}


@dataclass(frozen=True, slots=True)
class AddColumn:
    """A new optional column, null in every row that is already there."""

    name: str
    type: IcebergType


@dataclass(frozen=True, slots=True)
class DropColumn:
    name: str


@dataclass(frozen=True, slots=True)
class RenameColumn:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Promote:
    """int to long, float to double, or a decimal of greater precision."""

    name: str
    type: IcebergType


Change: TypeAlias = AddColumn | DropColumn | RenameColumn | Promote


def arrow_type(type_: IcebergType) -> pa.DataType:
    """The Arrow type whose Parquet form is the one Iceberg prescribes."""
    match type_:
        case DecimalType():
            return pa.decimal128(type_.precision, type_.scale)
        case FixedType():
            return pa.binary(len(type_))
        case ListType():
            return pa.list_(_field(type_.element_field))
        case _ if type(type_) in _PLAIN:
            return _PLAIN[type(type_)]
    raise _unsupported(f"a column of type {type_} cannot be stored", "Carry it as text.")


def arrow_schema(schema: Schema) -> pa.Schema:
    """The Arrow schema of a data file: names, types, and field ids as metadata."""
    return pa.schema([_field(f) for f in schema.fields])


def _field(field: NestedField) -> pa.Field:
    mark = {FIELD_ID: str(field.field_id).encode()}
    return pa.field(field.name, arrow_type(field.field_type), not field.required, mark)


def conform(rows: pa.Table, target: pa.Schema) -> pa.Table:
    """``rows`` with exactly the columns of ``target``: by name, cast without loss, absent = null.

    Strings may stay dictionary-encoded or large: their Parquet form is the same.
    """
    names = set(rows.column_names)
    arrays = [_column(rows, f, f.name in names) for f in target]
    fields = [f.with_type(a.type) for f, a in zip(target, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def project(rows: pa.Table, target: pa.Schema) -> pa.Table:
    """Rows of an older file in the present ``target``, matched by field id."""
    by_id = {_id(f): i for i, f in enumerate(rows.schema)}
    arrays = []
    for field in target:
        at = by_id.get(_id(field))
        arrays.append(
            pa.nulls(rows.num_rows, field.type)
            if at is None
            else _cast(rows.column(at), field.type)
        )
    return pa.Table.from_arrays([_chunked(a) for a in arrays], schema=target.remove_metadata())


def _column(rows: pa.Table, field: pa.Field, present: bool) -> pa.ChunkedArray:
    if not present:
        return _chunked(pa.nulls(rows.num_rows, field.type))
    column = rows.column(field.name)
    return column if _same_on_disk(column.type, field.type) else _cast(column, field.type)


def _same_on_disk(have: pa.DataType, want: pa.DataType) -> bool:
    if pa.types.is_dictionary(have):
        have = have.value_type
    if pa.types.is_large_string(have):
        have = pa.string()
    elif pa.types.is_large_binary(have):
        have = pa.binary()
    return bool(have == want)


def _cast(column: pa.ChunkedArray, want: pa.DataType) -> pa.ChunkedArray:
    if column.type == want:
        return column
    if isinstance(want, pa.BaseExtensionType):
        storage = column.cast(want.storage_type)
        chunks = [pa.ExtensionArray.from_storage(want, c) for c in storage.chunks]
        return pa.chunked_array(chunks, type=want)
    if isinstance(column.type, pa.BaseExtensionType):
        chunks = [c.storage for c in column.chunks]
        return pa.chunked_array(chunks, type=column.type.storage_type).cast(want)
    return column.cast(want)


def _chunked(array: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _id(field: pa.Field) -> bytes | None:
    return (field.metadata or {}).get(FIELD_ID)


def evolve(
    schema: Schema, changes: Sequence[Change], last_id: int, bound: frozenset[int]
) -> tuple[Schema, int]:
    """The schema after ``changes`` and the last field id given out.

    ``bound``: field ids that a partition or a key needs, which therefore cannot be dropped.
    """
    fields = list(schema.fields)
    for change in changes:
        match change:
            case AddColumn():
                last_id = _add(fields, change, last_id)
            case DropColumn():
                _drop(fields, change, bound)
            case RenameColumn():
                at = _find(fields, change.old)
                _absent(fields, change.new)
                fields[at] = fields[at].model_copy(update={"name": change.new})
            case Promote():
                _promote(fields, change)
    ids = schema.identifier_field_ids
    return Schema(*fields, schema_id=schema.schema_id + 1, identifier_field_ids=ids), last_id


def _add(fields: list[NestedField], change: AddColumn, last_id: int) -> int:
    _absent(fields, change.name)
    type_ = change.type
    if isinstance(type_, ListType):
        type_ = ListType(last_id + 2, type_.element_type, element_required=type_.element_required)
    fields.append(NestedField(last_id + 1, change.name, type_, required=False))
    return last_id + (2 if isinstance(type_, ListType) else 1)


def _drop(fields: list[NestedField], change: DropColumn, bound: frozenset[int]) -> None:
    at = _find(fields, change.name)
    if fields[at].field_id in bound:
        raise _unsupported(
            f"column {change.name} belongs to the key or the partition and cannot be dropped",
            "Copy the table anew under its new key.",
        )
    del fields[at]


def _promote(fields: list[NestedField], change: Promote) -> None:
    at = _find(fields, change.name)
    old, new = fields[at].field_type, change.type
    wider = (
        isinstance(old, DecimalType)
        and isinstance(new, DecimalType)
        and old.scale == new.scale
        and old.precision <= new.precision
    )
    if old != new and not wider and (type(old), type(new)) not in _PROMOTIONS:
        raise _unsupported(
            f"column {change.name} cannot change from {old} to {new} in place",
            "Copy the table anew with the new type.",
        )
    fields[at] = fields[at].model_copy(update={"field_type": new})


def _find(fields: list[NestedField], name: str) -> int:
    for at, field in enumerate(fields):
        if field.name == name:
            return at
    raise _unsupported(f"there is no column {name}", "Read the table's schema again.")


def _absent(fields: list[NestedField], name: str) -> None:
    if any(f.name == name for f in fields):
        raise _unsupported(f"there is already a column {name}", "Read the table's schema again.")


def _unsupported(what: str, hint: str) -> errors.Unsupported:
    return errors.Unsupported("lake.schema_change", what, "the lake", hint)
