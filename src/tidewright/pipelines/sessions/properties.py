"""The properties of events, as their JSON Schema says: what to read, and as which type."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tidewright import errors

MOMENT = pa.timestamp("us", "UTC")
# JSON Schema's types as DuckDB casts text to them, and as the files hold them.
KINDS: Mapping[str, tuple[str, pa.DataType]] = {
    "string": ("varchar", pa.string()),
    "integer": ("bigint", pa.int64()),
    "number": ("double", pa.float64()),
    "boolean": ("boolean", pa.bool_()),
    "date-time": ("timestamptz", MOMENT),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def reading(file: Path) -> dict[str, str]:
    """The events' properties with their DuckDB types."""
    return {name: KINDS[kind][0] for name, kind in properties(file).items()}


def properties(file: Path) -> dict[str, str]:
    """The events' properties in the schema's order, each with a key of ``KINDS``."""
    try:
        schema = json.loads(file.read_text(encoding="utf-8"))
        found = schema["properties"]
        return {n: _kind(p) for n, p in found.items() if _NAME.fullmatch(n)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as reason:
        raise errors.Refused(
            "topic.schema", f"the schema cannot be read: {reason}", str(file),
            "Write a JSON Schema (draft 7) of one event, whole in this one file.",
        ) from None  # fmt: skip


def _kind(of: Mapping[str, Any]) -> str:
    """A property's kind; what is none of them is kept as its JSON text."""
    told = of.get("type", "string")
    kinds = [k for k in ([told] if isinstance(told, str) else told) if k != "null"]
    if kinds == ["string"] and of.get("format") == "date-time":
        return "date-time"
    return kinds[0] if len(kinds) == 1 and kinds[0] in KINDS else "string"
