"""One JSON object per row, from columns of PostgreSQL's text: the plain form and the oracle.

Strings are escaped as RFC 8259 asks and no further, so text stays as readable as it was. The
compiled form in ``turbo`` gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tidewright.pipelines.decode import chunk, types

WORDS = frozenset({"NaN", "Infinity", "-Infinity"})


@dataclass(frozen=True, slots=True)
class Field:
    """A column to write: its JSON name with the colon, its text, and the rows that have it."""

    label: str
    style: types.Json
    text: pa.Array
    shown: chunk.Bools


def fields(part: chunk.Part) -> tuple[Field, ...]:
    """The columns of a part. A deleted row shows what identifies it; a TOAST value that was not
    sent is left out rather than shown as null.
    """
    full = part.relation.identity == "f"
    deleted = part.op == chunk.DELETE
    found = []
    for number, column in enumerate(part.relation.columns):
        hidden = part.unchanged.get(number, np.zeros(part.rows, bool))
        if not (full or column.key):
            hidden = hidden | deleted
        label = json.dumps(column.name, ensure_ascii=False) + ":"
        style = types.carried(column).json
        found.append(Field(label, style, part.columns[number], ~hidden))
    return tuple(found)


def rows(part: chunk.Part) -> pa.Array:
    """The JSON text of each row; null for a truncate, which has no row."""
    cells = [written(field) for field in fields(part)]
    objects = (
        "{" + ",".join(cell for cell in row if cell is not None) + "}"
        for row in zip(*cells, strict=True)
    )
    bodies: Sequence[str] = list(objects) if cells else ["{}"] * part.rows
    return pa.array(bodies, pa.string(), mask=part.op == chunk.TRUNCATE)


def written(field: Field) -> list[str | None]:
    """One column as ``"name":value`` texts; None where the row does not show it."""
    return [
        field.label + value(text, field.style) if shown else None
        for text, shown in zip(field.text.to_pylist(), field.shown.tolist(), strict=True)
    ]


def value(text: str | None, style: types.Json) -> str:
    """One value as JSON."""
    if text is None:
        return "null"
    if style == "boolean":
        return "true" if text == "t" else "false"
    if style in ("number", "embedded") or (style == "word" and text not in WORDS):
        return text
    return json.dumps(text, ensure_ascii=False)
