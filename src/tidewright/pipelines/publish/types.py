"""The type map from DuckDB to PostgreSQL, and each value as text that PostgreSQL reads exactly.

A type that is not listed is published as text, as DuckDB prints it: never a silent loss.
"""

from __future__ import annotations

from collections.abc import Mapping

PLAIN: Mapping[str, str] = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "UTINYINT": "smallint",
    "SMALLINT": "smallint",
    "USMALLINT": "integer",
    "INTEGER": "integer",
    "UINTEGER": "bigint",
    "BIGINT": "bigint",
    "UBIGINT": "numeric(20,0)",
    "HUGEINT": "numeric(39,0)",
    "UHUGEINT": "numeric(39,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "UUID": "uuid",
    "BLOB": "bytea",
    "JSON": "jsonb",
    "DATE": "date",
    "TIME": "time without time zone",
    "TIME WITH TIME ZONE": "time with time zone",
    "TIMESTAMP_S": "timestamp without time zone",
    "TIMESTAMP_MS": "timestamp without time zone",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "INTERVAL": "interval",
}
NESTED = ("STRUCT(", "MAP(", "UNION(")


def postgres_type(duckdb_type: str) -> str:
    """The PostgreSQL type that holds every value of a DuckDB type."""
    if duckdb_type.startswith("DECIMAL("):
        return duckdb_type.replace("DECIMAL", "numeric").replace(" ", "")
    if _is_nested(duckdb_type):
        return "jsonb"
    return PLAIN.get(duckdb_type, "text")


def as_text(column: str, duckdb_type: str) -> str:
    """A DuckDB expression: the column's values as text that PostgreSQL takes for its type."""
    name = quoted(column)
    if _is_nested(duckdb_type):
        return f"cast(to_json({name}) as varchar)"
    if duckdb_type == "BLOB":
        return f"'\\x' || lower(hex({name}))"
    return f"cast({name} as varchar)"


def quoted(name: str) -> str:
    """An SQL identifier, whatever it contains."""
    return '"' + name.replace('"', '""') + '"'


def _is_nested(duckdb_type: str) -> bool:
    return duckdb_type.endswith("]") or duckdb_type.startswith(NESTED)
