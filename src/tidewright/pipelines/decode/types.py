"""The type map: what each PostgreSQL type becomes, exactly or as its own text.

| PostgreSQL                                   | Arrow and Iceberg            | in JSON           |
|----------------------------------------------|------------------------------|-------------------|
| boolean                                      | boolean                      | true, false       |
| smallint, integer                            | int                          | number            |
| bigint, oid                                  | long                         | number            |
| real, double precision                       | float, double                | number, or word   |
| numeric(p, s), 0 <= s <= p <= 38             | decimal(p, s)                | number, or word   |
| numeric otherwise                            | string                       | number, or word   |
| date, time                                   | date, time (microseconds)    | string            |
| timestamp                                    | timestamp (microseconds)     | string            |
| timestamptz                                  | timestamptz (UTC)            | string            |
| bytea                                        | binary                       | string (hex form) |
| json, jsonb                                  | string                       | embedded          |
| everything else (text, uuid, arrays, enums,  | string: PostgreSQL's text    | string            |
| domains, intervals, ranges, addresses, ...)  |                              |                   |

A word is NaN, Infinity or -Infinity, written as a JSON string. A value that its type cannot hold
(an infinite or BC date, a year past 9999, NaN in a decimal, 24:00) is an error that names it,
never a null. Such a column can be carried as text instead, where the caller says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from tidewright import errors
from tidewright.pipelines.decode import chunk, hexbytes, relation

Json = Literal["string", "number", "word", "boolean", "embedded"]
NUMERIC = 1700


@dataclass(frozen=True, slots=True)
class Carried:
    """How a column is carried: its Arrow type, and how its text is written in JSON."""

    arrow: pa.DataType
    json: Json


TEXT = Carried(pa.string(), "string")
# Where Arrow's own word for a type would tell nobody anything.
WORDS = {
    pa.date32(): "a date",
    pa.time64("us"): "a time",
    pa.timestamp("us"): "a timestamp",
    pa.timestamp("us", tz="UTC"): "a timestamp with time zone",
}
MAP: dict[int, Carried] = {
    16: Carried(pa.bool_(), "boolean"),
    17: Carried(pa.binary(), "string"),
    20: Carried(pa.int64(), "number"),
    21: Carried(pa.int32(), "number"),
    23: Carried(pa.int32(), "number"),
    26: Carried(pa.int64(), "number"),
    114: Carried(pa.string(), "embedded"),
    700: Carried(pa.float32(), "word"),
    701: Carried(pa.float64(), "word"),
    1082: Carried(pa.date32(), "string"),
    1083: Carried(pa.time64("us"), "string"),
    1114: Carried(pa.timestamp("us"), "string"),
    1184: Carried(pa.timestamp("us", "UTC"), "string"),
    3802: Carried(pa.string(), "embedded"),
}


def carried(column: relation.Column, as_text: Collection[str] = ()) -> Carried:
    """How ``column`` is carried; ``as_text`` names columns to leave as PostgreSQL's text."""
    found = MAP.get(column.type_oid, TEXT)
    if column.type_oid == NUMERIC:
        found = _numeric(column.typmod)
    return Carried(pa.string(), found.json) if column.name in as_text else found


def _numeric(typmod: int) -> Carried:
    precision = (typmod - 4) >> 16 & 0xFFFF
    scale = ((typmod - 4 & 0x7FF) ^ 1024) - 1024  # eleven bits, signed
    if typmod < 4 or not 0 <= scale <= precision <= 38:
        return Carried(pa.string(), "word")
    return Carried(pa.decimal128(precision, scale), "word")


def typed(
    part: chunk.Part, names: Sequence[str] | None = None, as_text: Collection[str] = ()
) -> pa.Table:
    """The part's columns (or those in ``names``) in their own types.

    Raises Refused ``source.value_not_exact`` for a value that its type cannot hold.
    """
    wanted = part.relation.names if names is None else tuple(names)
    number = {name: i for i, name in enumerate(part.relation.names)}
    arrays = [
        typed_array(part.columns[number[n]], part.relation, number[n], as_text) for n in wanted
    ]
    return pa.table(arrays, names=list(wanted))


def typed_array(
    text: pa.Array, table: relation.Relation, number: int, as_text: Collection[str] = ()
) -> pa.Array:
    """One column's text in its own type."""
    column = table.columns[number]
    kind = carried(column, as_text).arrow
    try:
        return _read(text, kind)
    except pa.ArrowInvalid:
        value = _first_bad(text, kind)
    raise errors.Refused(
        "source.value_not_exact",
        f"the value {value!r} cannot be held exactly as {WORDS.get(kind, kind)}",
        f"{table.table}.{column.name}",
        "Correct it in the source, or change the column's type there.",
    )


def to_text(values: pa.Array) -> pa.Array:
    """Typed values back as PostgreSQL's own text, for values that the feed left out.

    Only types of variable length can be left out: text, decimal and binary here.
    """
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return values.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return hexbytes.to_text(values.cast(pa.binary()))
    if pa.types.is_decimal(kind):
        # Arrow's own cast writes 1E-8 for a small one; PostgreSQL never does.
        return pa.array([None if v is None else f"{v:f}" for v in values.to_pylist()], pa.string())
    raise TypeError(f"values of type {kind} are always sent")


def _read(text: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return text
    if pa.types.is_boolean(kind):
        return pc.equal(text, "t")
    if pa.types.is_binary(kind):
        return hexbytes.to_bytes(text)
    if pa.types.is_time(kind):
        # Arrow reads no times; a time is a moment of the first day it counts from.
        moment = pc.binary_join_element_wise("1970-01-01", text, " ")
        return moment.cast(pa.timestamp("us")).cast(kind)
    return text.cast(kind)


def _first_bad(text: pa.Array, kind: pa.DataType) -> str:
    """The first value that does not fit, by halving."""
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _read(text.slice(low, middle - low), kind)
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return str(text[low].as_py())
