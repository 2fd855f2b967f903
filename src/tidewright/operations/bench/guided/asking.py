"""One question, its class, its answer, and the same answer found in another way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeAlias

Size: TypeAlias = Literal["simple", "medium", "complex", "report", "chart"]
Row: TypeAlias = Mapping[str, Any]
# Table -> its rows, all of them.
Tables: TypeAlias = Callable[[str], Sequence[Row]]
Answer: TypeAlias = Sequence[tuple[Any, ...]]
# How many rows each class has, by the guides.
SIZES: Mapping[Size, tuple[int, float]] = {
    "simple": (0, 9),
    "medium": (10, 1000),
    "complex": (1, float("inf")),
    "report": (10_001, float("inf")),
    "chart": (0, float("inf")),  # whatever a dashboard shows
}


@dataclass(frozen=True, slots=True)
class Question:
    """``sql`` is asked of an engine; ``again`` folds the plain rows of what it ``reads``.

    ``columns``: of each table read, those that ``again`` needs; none: all.
    """

    name: str
    size: Size
    sql: str
    reads: tuple[str, ...]
    again: Callable[[Tables], Answer]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Asked:
    """What one or many askers saw. ``wrong``: the first few, as sentences."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    answers: int = 0
    failed: int = 0
    wrong: list[str] = field(default_factory=list)

    def took(self, kind: str, seconds: float) -> None:
        self.seconds.setdefault(kind, []).append(seconds)

    def judge(self, name: str, given: Answer, wanted: Answer) -> None:
        """Count one answer, and say what is wrong with it."""
        self.answers += 1
        # A large answer comes in the same order and types; sorting it again would take long.
        if list(given) != list(wanted) and plain(given) != plain(wanted):
            self.blame(name, f"{len(given)} rows do not equal the {len(wanted)} rows found again")

    def blame(self, name: str, what: str) -> None:
        self.wrong.append(f"{name}: {what}")

    def add(self, other: Asked) -> None:
        """Take over what another asker saw."""
        for kind, seconds in other.seconds.items():
            self.seconds.setdefault(kind, []).extend(seconds)
        self.answers += other.answers
        self.failed += other.failed
        self.wrong += other.wrong


def fits(question: Question, rows: int) -> bool:
    """Whether an answer is of the class that it is measured for."""
    least, most = SIZES[question.size]
    return least <= rows <= most


def plain(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """In one order, numbers by value: two engines may type a sum differently."""
    return sorted((tuple(map(_plain, row)) for row in rows), key=repr)


def _plain(value: Any) -> Any:
    match value:
        case bool() | None | str():
            return value
        case int() | float() | Decimal():
            return round(float(value), 4)
        case _:
            return str(value)
