"""A stream's JSON schema as typed columns, and its records as rows. Never a silent null.

A value that does not fit its column raises Misfit and names the record; a schema that no column
can hold raises Unusable. Properties that the schema does not name are kept in ``EXTRA`` as JSON
text, unless the schema forbids them. Column names for sync metadata are those of Airbyte's tables,
so that models written for one read the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IcebergType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
)

from tidewright.pipelines.lake import schema as lake_schema

RAW_ID = "_airbyte_raw_id"
EXTRACTED = "_airbyte_extracted_at"
GENERATION = "_airbyte_generation_id"
SEQ = "_seq"
EXTRA = "_additional_properties"
OURS = (SEQ, RAW_ID, EXTRACTED, GENERATION, EXTRA)
_LARGEST = 2**63
_DIGITS = 38


class Unusable(Exception):
    """The schema cannot become a table; the text says why."""


class Misfit(Exception):
    """A record does not fit; ``at`` is its place in the page."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(why)
        self.at = at


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, the property it comes from, its kind (``KINDS``, or ``decimal:2``)."""

    name: str
    prop: str
    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a stream. ``open``: it may bring properties that it does not name."""

    columns: tuple[Column, ...]
    open: bool


def shape(schema: Mapping[str, Any], never_null: Sequence[str]) -> Shape:
    """The columns that a JSON schema describes. ``never_null``: the key."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        raise Unusable("its schema names no properties")
    required = {*never_null, *_listed(schema.get("required"))}
    absent = [name for name in never_null if name not in properties]
    if absent:
        raise Unusable(f"its schema does not name {', '.join(absent)}, its key")
    found: dict[str, Column] = {}
    for prop, described in properties.items():
        name = f"src_{prop}" if prop.lower() in OURS else prop
        same = found.get(name.lower())
        if same is not None:
            raise Unusable(f"{same.prop} and {prop} differ in upper and lower case alone")
        nullable = "null" in _types(described)
        must = prop in never_null or (prop in required and not nullable)
        found[name.lower()] = Column(name, prop, _kind(prop, described), must)
    return Shape(tuple(found.values()), schema.get("additionalProperties", True) is not False)


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list) else ()


def _types(described: Any) -> tuple[str, ...]:
    if not isinstance(described, dict):
        return ()
    named = described.get("type")
    return (named,) if isinstance(named, str) else _listed(named)


def _kind(prop: str, described: Any) -> str:
    if not isinstance(described, dict):
        raise Unusable(f"the schema of {prop} is no object")
    kinds = [t for t in _types(described) if t != "null"]
    if len(kinds) != 1:
        return "json"  # several types, or none named: its JSON text says everything
    match kinds[0]:
        case "integer":
            return "long"
        case "number" if described.get("airbyte_type") == "integer":
            return "long"
        case "number" if "multipleOf" in described:
            return f"decimal:{_places(prop, described['multipleOf'])}"
        case "number":
            return "double"
        case "boolean":
            return "boolean"
        case "string":
            return _text_kind(described)
        case "object" | "array":
            return "json"
    raise Unusable(f"{prop} has the type {kinds[0]}, which JSON schema does not know")


def _places(prop: str, step: Any) -> int:
    try:
        exponent = Decimal(str(step)).normalize().as_tuple().exponent
    except InvalidOperation:
        raise Unusable(f"multipleOf of {prop} is no number") from None
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _text_kind(described: Mapping[str, Any]) -> str:
    zoned = described.get("airbyte_type", "timestamp_with_timezone")
    match described.get("format"):
        case "date-time":
            return "timestamp" if zoned == "timestamp_without_timezone" else "timestamptz"
        case "date":
            return "date"
        case "time" if described.get("airbyte_type") == "time_without_timezone":
            return "time"
    return "string"


# -- values -------------------------------------------------------------------------------------


def _long(value: Any) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if type(value) is not int or not -_LARGEST <= value < _LARGEST:
        raise ValueError
    return value


def _double(value: Any) -> float:
    if type(value) not in (int, Decimal, float):
        raise ValueError
    return float(value)


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _string(value: Any) -> str:
    if type(value) is not str:
        raise ValueError
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """A Decimal inside JSON text keeps its digits when a float holds them, else becomes text."""
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)


def _timestamptz(value: Any) -> datetime:
    found = datetime.fromisoformat(_string(value))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _timestamp(value: Any) -> datetime:
    found = datetime.fromisoformat(_string(value))
    if found.tzinfo is not None:
        raise ValueError
    return found


def _date(value: Any) -> date:
    return date.fromisoformat(_string(value))


def _time(value: Any) -> time:
    found = time.fromisoformat(_string(value))
    if found.tzinfo is not None:
        raise ValueError
    return found


def _decimal(places: int) -> Callable[[Any], Decimal]:
    step, most = Decimal(1).scaleb(-places), Decimal(10) ** (_DIGITS - places)

    def read(value: Any) -> Decimal:
        if type(value) not in (int, Decimal, float, str):
            raise ValueError
        found = Decimal(repr(value)) if type(value) is float else Decimal(value)
        if not found.is_finite() or abs(found) >= most or found != found.quantize(step):
            raise ValueError
        return found

    return read


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of column: its Iceberg type, and how a JSON value becomes one of it."""

    type: IcebergType
    read: Callable[[Any], Any]


KINDS: Mapping[str, Kind] = {
    "long": Kind(LongType(), _long),
    "double": Kind(DoubleType(), _double),
    "boolean": Kind(BooleanType(), _boolean),
    "string": Kind(StringType(), _string),
    "json": Kind(StringType(), _json),
    "timestamptz": Kind(TimestamptzType(), _timestamptz),
    "timestamp": Kind(TimestampType(), _timestamp),
    "date": Kind(DateType(), _date),
    "time": Kind(TimeType(), _time),
}


def kind(name: str) -> Kind:
    """A kind by name."""
    if name.startswith("decimal:"):
        places = int(name.removeprefix("decimal:"))
        return Kind(DecimalType(_DIGITS, places), _decimal(places))
    return KINDS[name]


# -- tables -------------------------------------------------------------------------------------


def table_schema(found: Shape) -> Schema:
    """The Iceberg schema: our columns first, then the stream's. All optional but ours."""
    ours = [
        NestedField(1, SEQ, LongType(), required=True),
        NestedField(2, RAW_ID, StringType(), required=True),
        NestedField(3, EXTRACTED, TimestamptzType(), required=True),
        NestedField(4, GENERATION, LongType(), required=True),
        NestedField(5, EXTRA, StringType()),
    ]
    theirs = [
        NestedField(number, c.name, kind(c.kind).type)
        for number, c in enumerate(found.columns, len(ours) + 1)
    ]
    return Schema(*ours, *theirs)


def changes(have: Schema, found: Shape) -> tuple[lake_schema.AddColumn, ...]:
    """What a table lacks for this shape. Raises Unusable when a column became something else."""
    present = {f.name.lower(): f for f in have.fields}
    news = []
    for column in found.columns:
        field, wanted = present.get(column.name.lower()), kind(column.kind).type
        if field is None:
            news.append(lake_schema.AddColumn(column.name, wanted))
        elif field.field_type != wanted or field.name != column.name:
            raise Unusable(
                f"{column.prop} changed: the table has {field.name} {field.field_type}, "
                f"the connector now says {column.name} {wanted}"
            )
    return tuple(news)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every row of a page is told: the number of its first row, when, which generation."""

    first: int
    at_ms: int
    generation: int


def rows(found: Shape, records: Sequence[Mapping[str, Any]], stamp: Stamp) -> pa.Table:
    """A page of records as rows. Raises Misfit for the first record that does not fit."""
    named = {c.prop for c in found.columns}
    arrays = [_column(c, records) for c in found.columns]
    count = len(records)
    numbers = pa.array(range(stamp.first, stamp.first + count), pa.int64())
    prefix = pa.scalar(f"{stamp.generation}-")
    ids = pc.binary_join_element_wise(prefix, numbers.cast(pa.string()), "")
    at = pa.repeat(pa.scalar(stamp.at_ms * 1000, pa.int64()), count).cast(pa.timestamp("us", "UTC"))
    generation = pa.repeat(pa.scalar(stamp.generation, pa.int64()), count)
    extra = pa.array(_extra(found, named, records), pa.string())
    names = [*OURS, *(c.name for c in found.columns)]
    return pa.table([numbers, ids, at, generation, extra, *arrays], names=names)


def _column(column: Column, records: Sequence[Mapping[str, Any]]) -> pa.Array:
    what, values = kind(column.kind), list[Any]()
    for at, record in enumerate(records):
        value = record.get(column.prop)
        if value is None:
            if column.required:
                raise Misfit(at, f"{column.prop} is missing, and must not be")
            values.append(None)
            continue
        try:
            values.append(what.read(value))
        except (ValueError, ArithmeticError):
            told = json.dumps(value, default=str)[:60]
            raise Misfit(at, f"{column.prop} is {told}, which is no {what.type}") from None
    try:
        return pa.array(values, lake_schema.arrow_type(what.type))
    except (pa.ArrowException, OverflowError) as reason:
        raise Misfit(0, f"{column.prop} cannot be stored: {reason}") from None


def _extra(found: Shape, named: set[str], records: Sequence[Mapping[str, Any]]) -> list[str | None]:
    told: list[str | None] = []
    for at, record in enumerate(records):
        rest = {k: v for k, v in record.items() if k not in named} if len(record) else {}
        if rest and not found.open:
            raise Misfit(at, f"it has {', '.join(rest)}, which the schema does not allow")
        told.append(_json(rest) if rest else None)
    return told
