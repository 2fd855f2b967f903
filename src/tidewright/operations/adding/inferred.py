"""What a file of the user's holds: its columns with their types, read by the very connector.

A type is taken when every field of the whole file fits it. What is in doubt stays text: numbers
with leading zeros, dates in any order but year-month-day, numbers too long for a float.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tidewright import errors
from tidewright.operations.adding import connector
from tidewright.pipelines.load import child, columns

DELIMITERS = ",;\t|"
MONEY = "decimal(2)"
# In the order of preference; text is what remains.
KINDS = ("integer", MONEY, "number", "boolean", "date", "timestamp", "timestamptz", "time")
FLOAT_DIGITS = 15
CHECKED = 50_000  # records that are made into rows, to see that they can be


@dataclass(frozen=True, slots=True)
class Inferred:
    """``entry``: what the connector is told besides the path. ``rows``: how many there are now."""

    entry: Mapping[str, Any]
    rows: int


def infer(file: Path, form: str, shown: str) -> Inferred:
    """Read the whole file once. Raises Refused for one that is no table; ``shown`` names it."""
    try:
        found = _parquet(file) if form == "parquet" else _csv(file)
        _try(found, file, form)
    except (ValueError, columns.Unusable, columns.Misfit, pa.ArrowException, OSError) as reason:
        raise errors.Refused(
            "source.unreadable", f"it is no table that can be read: {reason}", shown,
            "Correct that place of the file, then run the command again.",
        ) from None  # fmt: skip
    return found


def _csv(file: Path) -> Inferred:
    delimiter = _delimiter(file)
    reading = connector.lines(file, delimiter)
    _, header = next(reading, (0, []))
    _check_header(header)
    guesses = [_Guess() for _ in header]
    rows = 0
    for number, fields in reading:
        if len(fields) != len(header):
            raise ValueError(f"line {number} has {len(fields)} fields, the first {len(header)}")
        for guess, text in zip(guesses, fields, strict=True):
            guess.see(text)
        rows += 1
    found = [f"{name} {guess.kind}" for name, guess in zip(header, guesses, strict=True)]
    entry: dict[str, Any] = {"columns": found}
    if delimiter != ",":
        entry = {"delimiter": delimiter, **entry}
    return Inferred(entry, rows)


def _delimiter(file: Path) -> str:
    """What cuts the first line into the most fields."""
    with connector.opened(file) as stream:
        first = stream.readline()
    cut = {d: len(next(csv.reader([first], delimiter=d), [])) for d in DELIMITERS}
    return max(DELIMITERS, key=lambda d: cut[d])


def _check_header(header: Sequence[str]) -> None:
    if not header:
        raise ValueError("it is empty; its first line has to name the columns")
    if header[0].lstrip().startswith(("<", "{", "[")):
        begins = header[0].strip()[:40]
        raise ValueError(f"it begins with {begins}: a web page or JSON, and no table of fields")
    for name in header:
        if not name.strip() or not name.isprintable():
            raise ValueError(f"its first line names a column {name!r}")
        if connector.NUMBER.fullmatch(name) or connector.DATE.fullmatch(name):
            raise ValueError(f"its first line names no columns: {name} is a value")
    folded = [name.lower() for name in header]
    twice = next((n for i, n in enumerate(folded) if n in folded[:i]), None)
    if twice is not None:
        raise ValueError(f"two columns are called {twice}")


@dataclass(slots=True)
class _Guess:
    """The types that all fields of a column fit so far."""

    left: tuple[str, ...] = KINDS
    seen: bool = False

    def see(self, text: str) -> None:
        if text and self.left:
            self.seen = True
            self.left = tuple(kind for kind in self.left if _fits(kind, text))

    @property
    def kind(self) -> str:
        return self.left[0] if self.left and self.seen else "text"


def _fits(kind: str, text: str) -> bool:
    """Money has two places in every field: then it is surely meant to be exact."""
    if kind == MONEY and text[-3:-2] != ".":
        return False
    if kind == "number" and sum(c.isdigit() for c in text) > FLOAT_DIGITS:
        return False
    try:
        connector.reader(kind)(text)
    except (ValueError, ArithmeticError):
        return False
    return True


# -- Parquet ------------------------------------------------------------------------------------


def _parquet(file: Path) -> Inferred:
    with pq.ParquetFile(file) as opened:
        _check_header(opened.schema_arrow.names)
        found = [f"{f.name} {_kind(f.type)}" for f in opened.schema_arrow]
        return Inferred({"columns": found}, opened.metadata.num_rows)


def _kind(of: pa.DataType) -> str:
    if pa.types.is_dictionary(of):
        return _kind(of.value_type)
    if pa.types.is_decimal(of):
        return f"decimal({max(0, of.scale)})"
    if pa.types.is_timestamp(of):
        return "timestamptz" if of.tz else "timestamp"
    for matches, kind in _ARROW:
        if matches(of):
            return kind
    raise ValueError(f"a column has the type {of}, which no table of the lake has")


_ARROW = (
    (pa.types.is_uint64, "decimal(0)"), (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "number"), (pa.types.is_boolean, "boolean"),
    (pa.types.is_date, "date"), (pa.types.is_time, "time"),
    (pa.types.is_string, "text"), (pa.types.is_large_string, "text"),
    (pa.types.is_binary, "text"), (pa.types.is_large_binary, "text"),
    (pa.types.is_fixed_size_binary, "text"), (pa.types.is_nested, "json"),
    (pa.types.is_null, "text"),
)  # fmt: skip


# -- the trial ----------------------------------------------------------------------------------


def _try(found: Inferred, file: Path, form: str) -> None:
    """Make rows of the first records, as the load will: by way of JSON."""
    entry = {**found.entry, "path": str(file), "format": form}
    shape = columns.shape(connector.schema(entry), ())
    for page in _pages(connector.records(entry, file)):
        told = json.dumps(page, default=child.plain, allow_nan=False)
        columns.rows(shape, json.loads(told, parse_float=Decimal), columns.Stamp(1, 0, 1))


def _pages(records: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] = []
    for count, record in enumerate(records, 1):
        page.append(record)
        if len(page) >= connector.PAGE:
            yield page
            page = []
        if count >= CHECKED:
            break
    yield page
