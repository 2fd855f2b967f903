"""Iceberg columns for the Arrow columns that somebody's function returned.

Every column is optional, and known from its first rows on; a column of nulls alone waits until
it has a value. What a flat table cannot hold is refused with the column's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
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
from tidewright.pipelines.lake import schema as columns

_BY_TEST: Sequence[tuple[Callable[[pa.DataType], bool], IcebergType]] = (
    (pa.types.is_boolean, BooleanType()),
    (pa.types.is_date, DateType()),
    (pa.types.is_time, TimeType()),
    (pa.types.is_string, StringType()),
    (pa.types.is_large_string, StringType()),
    (pa.types.is_string_view, StringType()),
    (pa.types.is_binary, BinaryType()),
    (pa.types.is_large_binary, BinaryType()),
    (pa.types.is_float16, FloatType()),
    (pa.types.is_float32, FloatType()),
    (pa.types.is_float64, DoubleType()),
)
_SMALL = (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16())
_WIDE = (pa.int64(), pa.uint32())
_WIDER = ((IntegerType, LongType), (FloatType, DoubleType))


def iceberg_schema(rows: pa.Schema, table: str) -> Schema:
    """A new table's columns. Raises Refused for a type that no column of ours holds."""
    fields, last = [], 0
    for field in (f for f in rows if not pa.types.is_null(f.type)):
        type_ = iceberg_type(field, table, last + 2)
        fields.append(NestedField(last + 1, field.name, type_, required=False))
        last += 2 if isinstance(type_, ListType) else 1
    if not fields:
        raise _refused(table, "its first rows have no column with a value")
    return Schema(*fields)


def widened(now: Schema, rows: pa.Schema, table: str) -> list[columns.Change]:
    """What must change so that the table can hold these rows. Raises Refused when it cannot."""
    changes: list[columns.Change] = []
    known = {f.name: f.field_type for f in now.fields}
    for field in (f for f in rows if not pa.types.is_null(f.type)):
        wanted, have = iceberg_type(field, table), known.get(field.name)
        if have is None:
            changes.append(columns.AddColumn(field.name, wanted))
        elif _wider(have, wanted):
            changes.append(columns.Promote(field.name, wanted))
        elif not _fits(have, wanted):
            raise _refused(table, f"column {field.name} is {have} and would become {wanted}")
    return changes


def iceberg_type(field: pa.Field, table: str, element_id: int = 0) -> IcebergType:
    """The Iceberg type of one Arrow field."""
    type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if type_ in _SMALL:
        return IntegerType()
    if type_ in _WIDE:
        return LongType()
    if pa.types.is_timestamp(type_):
        return TimestampType() if type_.tz is None else TimestamptzType()
    if pa.types.is_decimal(type_) and type_.precision <= 38:
        return DecimalType(type_.precision, type_.scale)
    if isinstance(type_, pa.BaseExtensionType) and type_ == pa.uuid():
        return UUIDType()
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        element = iceberg_type(type_.value_field, table)
        return ListType(element_id, element, element_required=False)
    for fits, found in _BY_TEST:
        if fits(type_):
            return found
    raise _refused(table, f"column {field.name} has the type {field.type}, which no table holds")


def _wider(have: IcebergType, wanted: IcebergType) -> bool:
    if isinstance(have, DecimalType) and isinstance(wanted, DecimalType):
        return have.scale == wanted.scale and have.precision < wanted.precision
    return (type(have), type(wanted)) in _WIDER


def _fits(have: IcebergType, wanted: IcebergType) -> bool:
    """Whether every value of ``wanted`` is one of ``have`` too."""
    if isinstance(have, DecimalType) and isinstance(wanted, DecimalType):
        return have.scale == wanted.scale
    if isinstance(have, ListType) and isinstance(wanted, ListType):
        return _fits(have.element_type, wanted.element_type)
    return type(have) is type(wanted) or (type(wanted), type(have)) in _WIDER


def _refused(table: str, why: str) -> errors.Refused:
    return errors.Refused(
        "ingest.columns", why, f"table {table}",
        "Return that column as a plain number, text, date, time or list of them, of one type.",
    )  # fmt: skip
