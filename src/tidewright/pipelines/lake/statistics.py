"""Counts and bounds of a data file, from its Parquet footer, as Iceberg stores them.

Readers skip files by these, so a bound that is cut short still has to hold: lower bounds are cut
down, upper bounds are rounded up, and one that cannot be is left out.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    PrimitiveType,
    StringType,
)
from pyiceberg.utils.decimal import decimal_to_bytes
from pyiceberg.utils.truncate import (
    truncate_upper_bound_binary_string,
)

BOUND_LENGTH = 16
SURROGATES = range(0xD800, 0xE000)
BOUNDED_COLUMNS = 64


def of_footer(
    metadata: pq.FileMetaData, leaves: Sequence[tuple[int, int, PrimitiveType]]
) -> dict[str, dict[int, Any]]:
    """``leaves``: Parquet column number, field id and type of each plain column."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    found: dict[str, dict[int, Any]] = {
        "value_counts": {}, "null_value_counts": {}, "lower_bounds": {}, "upper_bounds": {}
    }  # fmt: skip
    for at, field_id, type_ in leaves[:BOUNDED_COLUMNS]:
        parts = [g.column(at).statistics for g in groups]
        found["value_counts"][field_id] = metadata.num_rows
        if any(p is None or not p.has_null_count for p in parts):
            continue
        nulls = sum(p.null_count for p in parts)
        found["null_value_counts"][field_id] = nulls
        filled = [p for p in parts if p.num_values]
        if filled and all(p.has_min_max for p in filled):
            _bounds(found, field_id, type_, filled)
    return found


def _bounds(
    found: Mapping[str, dict[int, Any]], field_id: int, type_: PrimitiveType, parts: Sequence[Any]
) -> None:
    lows = [_ordered(p.min_raw, type_) for p in parts]
    highs = [_ordered(p.max_raw, type_) for p in parts]
    found["lower_bounds"][field_id] = bound(type_, min(lows), upper=False)
    high = bound(type_, max(highs), upper=True)
    if high is not None:
        found["upper_bounds"][field_id] = high


def _ordered(value: Any, type_: PrimitiveType) -> Any:
    """A raw Parquet value in a form that compares as the column does."""
    if isinstance(type_, DecimalType) and isinstance(value, bytes):
        return int.from_bytes(value, "big", signed=True)
    return value


def bound(type_: IcebergType, value: Any, *, upper: bool) -> bytes | None:
    """A bound as Iceberg stores it; None when a cut upper bound cannot be rounded up."""
    match type_:
        case BooleanType():
            return b"\x01" if value else b"\x00"
        case IntegerType() | DateType():
            return struct.pack("<i", value)
        case FloatType():
            return struct.pack("<f", value)
        case DoubleType():
            return struct.pack("<d", value)
        case DecimalType():
            return decimal_to_bytes(Decimal(value))
        case StringType():
            return _text_bound(value, upper)
        case BinaryType() if upper:
            return truncate_upper_bound_binary_string(value, BOUND_LENGTH)
        case BinaryType():
            return bytes(value[:BOUND_LENGTH])
        case _ if isinstance(value, bytes):
            return value
    return struct.pack("<q", value)


def _text_bound(value: bytes, upper: bool) -> bytes | None:
    text = value.decode()
    cut = text[:BOUND_LENGTH]
    if not upper or len(text) <= BOUND_LENGTH:
        return cut.encode()
    for last in range(BOUND_LENGTH - 1, -1, -1):
        after = ord(cut[last]) + 1
        if after in SURROGATES:  # halves of a pair in UTF-16, and no characters (Unicode, 3.9)
            after = SURROGATES.stop
        if after <= sys.maxunicode:
            return (cut[:last] + chr(after)).encode()
    return None
