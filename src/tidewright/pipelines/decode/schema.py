"""Iceberg schemas for the tables that a relation feeds: current state and raw."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
from pyiceberg import types as ice
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform

from tidewright import errors
from tidewright.pipelines.decode import rawrows, relation, types

_ICEBERG: dict[pa.DataType, ice.IcebergType] = {
    pa.bool_(): ice.BooleanType(),
    pa.int32(): ice.IntegerType(),
    pa.int64(): ice.LongType(),
    pa.float32(): ice.FloatType(),
    pa.float64(): ice.DoubleType(),
    pa.string(): ice.StringType(),
    pa.binary(): ice.BinaryType(),
    pa.date32(): ice.DateType(),
    pa.time64("us"): ice.TimeType(),
    pa.timestamp("us"): ice.TimestampType(),
    pa.timestamp("us", "UTC"): ice.TimestamptzType(),
}
_RAW: tuple[tuple[str, ice.IcebergType], ...] = (
    ("data", ice.StringType()),
    ("op", ice.StringType()),
    ("ts_ms", ice.LongType()),
    ("source_table", ice.StringType()),
    ("partition_date", ice.DateType()),
    ("_lsn", ice.LongType()),
    ("_xid", ice.LongType()),
    ("_seq", ice.LongType()),
)


def iceberg_type(kind: pa.DataType) -> ice.IcebergType:
    """The Iceberg type of an Arrow type of the map."""
    if pa.types.is_decimal(kind):
        return ice.DecimalType(kind.precision, kind.scale)
    return _ICEBERG[kind]


def schema_of(
    table: relation.Relation, key: tuple[str, ...], as_text: Collection[str] = ()
) -> Schema:
    """The schema of the current-state table; the key is its identifier, field ids are fresh."""
    made = [
        ice.NestedField(
            i, c.name, iceberg_type(types.carried(c, as_text).arrow), required=c.name in key
        )
        for i, c in enumerate(table.columns, 1)
    ]
    for field in made:
        if field.required and isinstance(field.field_type, ice.FloatType | ice.DoubleType):
            raise errors.Refused(
                "source.table_unfit", "its key is a floating-point number, which Iceberg forbids",
                f"{table.table}.{field.name}", "Use a key of another type.",
            )  # fmt: skip
    return Schema(*made, identifier_field_ids=[f.field_id for f in made if f.required])


def raw_schema(
    table: relation.Relation,
    raw_columns: tuple[str, ...] | None,
    key: tuple[str, ...],
    as_text: Collection[str] = (),
) -> Schema:
    """The schema of the raw table, in the order of ``rawrows.raw_rows``."""
    by_name = {c.name: c for c in table.columns}
    front = [
        (rawrows.raw_name(n), iceberg_type(types.carried(by_name[n], as_text).arrow))
        for n in rawrows.declared(table.names, raw_columns, key)
    ]
    named = [*front, *_RAW]
    return Schema(*(ice.NestedField(i, n, t, required=False) for i, (n, t) in enumerate(named, 1)))


def raw_partition(schema: Schema) -> PartitionSpec:
    """By date, then by source table."""
    fields = (
        PartitionField(schema.find_field(name).field_id, 1000 + i, IdentityTransform(), name)
        for i, name in enumerate(("partition_date", "source_table"))
    )
    return PartitionSpec(*fields)
