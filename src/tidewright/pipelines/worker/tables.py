"""One followed table: its current state and its raw log, and the bookkeeping that ties them.

What is known of the source's columns (name, attribute number, type) lives in the current table's
properties, so that a restart judges schema changes by the same facts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tidewright.pipelines.decode import relation as relations
from tidewright.pipelines.lake import current, raw
from tidewright.pipelines.lake import table as lake_table
from tidewright.pipelines.worker import evolve, nothing

COLUMNS = "tidewright.columns"
SOURCE_OID = "tidewright.source-oid"
NUMBERED = "tidewright.source-columns"
SHAPE = "tidewright.source-shape"


@dataclass(slots=True)
class Followed:
    """A table on its way through the worker. ``key``: its columns in the source's key order.

    ``numbered``: the highest column number of the source that is accounted for. ``lake``: current
    state, which also keeps the facts of the source, and the raw log; of a topic the log alone.
    """

    name: str
    key: tuple[str, ...]
    raw_columns: tuple[str, ...] | None
    current: current.CurrentTable | nothing.Nothing
    raw: raw.RawTable
    known: tuple[evolve.Known, ...]
    oid: int
    numbered: int
    shape: evolve.Shape
    lake: tuple[lake_table.Table, ...]
    seen: relations.Relation | None = None
    changes: int = 0
    changed: bool = False

    @property
    def appended(self) -> bool:
        """Whether it is a topic: raw rows only, of one form for ever."""
        return isinstance(self.current, nothing.Nothing)


def properties(known: tuple[evolve.Known, ...], oid: int, numbered: int) -> Mapping[str, str]:
    """The facts as table properties."""
    facts = json.dumps([asdict(column) for column in known], separators=(",", ":"))
    return {COLUMNS: facts, SOURCE_OID: str(oid), NUMBERED: str(numbered)}


def known_columns(stored: Mapping[str, str]) -> tuple[evolve.Known, ...]:
    """The facts as they were stored."""
    return tuple(evolve.Known(**fact) for fact in json.loads(stored[COLUMNS]))


def known_numbers(stored: Mapping[str, str]) -> int:
    """The highest column number as it was stored, or that of a column which is known."""
    numbers = [column.attnum for column in known_columns(stored)]
    return max(int(stored.get(NUMBERED, 0)), *numbers)


def key_text(key: tuple[str, ...]) -> str:
    """The names of the key's columns as a table property; a name may hold a comma."""
    return json.dumps(key, ensure_ascii=False)


def known_key(stored: str) -> tuple[str, ...]:
    """The key as it was stored; with commas between the names until November 2026."""
    return tuple(json.loads(stored) if stored.startswith("[") else stored.split(","))


def shape_text(shape: evolve.Shape) -> Mapping[str, str]:
    """Where the source stores the rows, as a table property."""
    return {SHAPE: f"{shape.storage}/{shape.columns}"}


def known_shape(stored: Mapping[str, str]) -> evolve.Shape:
    """The shape as it was stored."""
    storage, _, columns = stored[SHAPE].partition("/")
    return evolve.Shape(int(storage), columns)


def raw_name(namespace: str, table: str) -> str:
    """``bank.users`` -> ``raw_data.users``."""
    return f"{namespace}.{table.partition('.')[2]}"
