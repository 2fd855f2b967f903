"""What operations do and answer: steps that print as sentences, and results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a plan. ``sentence`` is what a dry run prints and what apply does."""

    verb: Literal["create", "start", "reload", "restart", "stop", "remove"]
    subject: str
    sentence: str
    loses_data: bool = False


@dataclass(frozen=True, slots=True)
class TableDifference:
    """One table compared at a cut; counts are rows. Zero in the last three means exact."""

    table: str
    source_rows: int
    lake_rows: int
    missing: int
    extra: int
    different: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invariant:
    """A property that must hold at a cut, by name, with what was seen."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer of ``verify``: exact at ``cut``, or not, and where."""

    ok: bool
    cut: str
    tables: tuple[TableDifference, ...]
    invariants: tuple[Invariant, ...]
    schema_version: int = 1
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Rows:
    """Tabular data for a person or a pipe: column names and rows of plain values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    notes: Mapping[str, str] = field(default_factory=dict)
