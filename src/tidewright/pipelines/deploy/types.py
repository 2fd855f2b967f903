"""Each PostgreSQL type on its way through Debezium's JSON to Flink: exactly, or not at all.

The same types as on the laptop (``pipelines.decode.types``). Debezium is told to send decimals as
strings and times in ISO 8601, so that nothing is rounded on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tidewright import errors
from tidewright.pipelines.feeds import tables

NUMERIC = 1700
# text, varchar, bpchar, name, uuid, json, jsonb: carried as text.
TEXTS = (25, 1043, 1042, 19, 2950, 114, 3802)


@dataclass(frozen=True, slots=True)
class Carried:
    """``source``: the type of the JSON field; ``lake``: of the column; ``read``: from one to the
    other, as SQL around a field.
    """

    source: str
    lake: str
    read: Callable[[str], str] = lambda field: field


def _cast(kind: str) -> Callable[[str], str]:
    return lambda field: f"CAST({field} AS {kind})"


def _moment(kind: str) -> Callable[[str], str]:
    """2026-11-21T23:56:10.180329Z, with as many digits as it has."""
    return lambda field: f"CAST(REPLACE(REPLACE({field}, 'T', ' '), 'Z', '') AS {kind})"


MAP: Mapping[int, Carried] = {
    16: Carried("BOOLEAN", "BOOLEAN"),
    20: Carried("BIGINT", "BIGINT"),
    21: Carried("INT", "INT"),
    23: Carried("INT", "INT"),
    26: Carried("BIGINT", "BIGINT"),
    700: Carried("FLOAT", "FLOAT"),
    701: Carried("DOUBLE", "DOUBLE"),
    1082: Carried("STRING", "DATE", lambda field: f"CAST(SUBSTRING({field}, 1, 10) AS DATE)"),
    1114: Carried("STRING", "TIMESTAMP(6)", _moment("TIMESTAMP(6)")),
    1184: Carried("STRING", "TIMESTAMP_LTZ(6)", _moment("TIMESTAMP_LTZ(6)")),
    **dict.fromkeys(TEXTS, Carried("STRING", "STRING")),
}


def carried(table: str, column: tables.SourceColumn) -> Carried:
    """How a column is carried. Raises Unsupported for a type that would not arrive exactly."""
    if column.type_oid == NUMERIC:
        return _numeric(column.typmod)
    found = MAP.get(column.type_oid)
    if found is None:
        raise errors.Unsupported(
            "source.type_not_carried",
            f"its type {column.type_name} cannot be carried exactly by the engines yet",
            f"{table}.{column.name}",
            "Capture this table in an environment with the embedded engines, or leave it out here.",
        )
    return found


def from_text(one: Carried, field: str) -> str:
    """A field that was cut out of the JSON text, where everything is text."""
    return one.read(field) if one.source == "STRING" else f"CAST({field} AS {one.lake})"


def _numeric(typmod: int) -> Carried:
    precision, scale = (typmod - 4) >> 16 & 0xFFFF, ((typmod - 4 & 0x7FF) ^ 1024) - 1024
    if typmod < 4 or not 0 <= scale <= precision <= 38:
        return Carried("STRING", "STRING")
    kind = f"DECIMAL({precision}, {scale})"
    return Carried("STRING", kind, _cast(kind))
