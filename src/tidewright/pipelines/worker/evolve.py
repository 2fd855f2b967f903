"""What a changed relation means for the lake's tables: a pure decision over column facts.

PostgreSQL's stream names columns but not their attribute numbers, so a rename looks like a drop
and an add. The numbers kept in the table's properties and those in the source's catalog tell them
apart. Whatever cannot be told, or would leave old rows with a wrong value, stops the table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Known:
    """A column as the lake last knew it."""

    name: str
    attnum: int
    kind: str


@dataclass(frozen=True, slots=True)
class Live:
    """A column in the source's catalog now. ``filled``: rows from before it may hold a value.

    ``dropped``: the highest number of a dropped column below this one's.
    """

    name: str
    attnum: int
    kind: str
    filled: bool
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Add:
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Drop:
    name: str


@dataclass(frozen=True, slots=True)
class Rename:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Promote:
    name: str
    kind: str


Change: TypeAlias = Add | Drop | Rename | Promote

DECIMAL = re.compile(r"decimal128\((\d+), (\d+)\)")


class Impossible(Exception):
    """The change cannot be followed; the text says why and is shown to the user."""


def changes(
    known: tuple[Known, ...], streamed: Mapping[str, str], live: Mapping[str, Live], numbered: int
) -> tuple[Change, ...]:
    """What to do to the lake so that its columns are ``streamed`` (name -> kind).

    ``numbered``: the highest column number that the lake has heard of.

    Raises Impossible when old rows could end up with a value that the source does not have.
    """
    before = {column.name: column for column in known}
    gone = [column for column in known if column.name not in streamed]
    new = [name for name in streamed if name not in before]
    renamed = {r.old: r for r in _renames(gone, new, live)}
    found: list[Change] = list(renamed.values())
    found += [Drop(c.name) for c in gone if c.name not in renamed]
    fresh = set(new) - {r.new for r in renamed.values()}
    found += [_added(name, streamed[name], live, numbered) for name in new if name in fresh]
    taken = {r.new: before[r.old].kind for r in renamed.values()}
    kinds = {**{c.name: c.kind for c in known}, **taken}
    found += [p for n, k in streamed.items() if n in kinds for p in _widened(n, kinds[n], k)]
    return tuple(found)


def _renames(gone: list[Known], new: list[str], live: Mapping[str, Live]) -> list[Rename]:
    if not gone or not new:
        return []
    numbers = {column.attnum: column.name for column in gone}
    unsure = [name for name in new if name not in live]
    if unsure:
        raise Impossible(
            f"columns {', '.join(c.name for c in gone)} went and {', '.join(new)} came in one "
            f"step, and {', '.join(unsure)} changed again since: rename and drop look the same"
        )
    return [Rename(numbers[live[n].attnum], n) for n in new if live[n].attnum in numbers]


def _added(name: str, kind: str, live: Mapping[str, Live], numbered: int) -> Add:
    """A column that was dropped before the lake heard of it may be the one the stream means."""
    column = live.get(name)
    if column is None or column.dropped > numbered:
        raise Impossible(f"column {name} was added and changed again before it could be looked at")
    if column.filled:
        raise Impossible(
            f"column {name} was added with a default, so rows from before hold a value that the "
            "stream does not carry"
        )
    return Add(name, kind)


def _widened(name: str, old: str, new: str) -> list[Promote]:
    if old == new:
        return []
    if _more_digits(old, new):
        return [Promote(name, new)]
    raise Impossible(f"column {name} changed its type from {old} to {new}")


def _more_digits(old: str, new: str) -> bool:
    """Whether a decimal only got more digits before its point: the one change of type that
    PostgreSQL makes without rewriting the rows. Any other may have changed every value (USING).
    """
    before, after = DECIMAL.fullmatch(old), DECIMAL.fullmatch(new)
    if before is None or after is None:
        return False
    return before[2] == after[2] and int(before[1]) <= int(after[1])


def told_apart(alike: Sequence[str]) -> None:
    """Raise Impossible for columns that readers would take for one."""
    if alike:
        raise Impossible(f"columns {', '.join(alike)} differ by case only")


def same_key(before: Collection[str], now: Collection[str]) -> None:
    """Raise Impossible when the rows are told apart by other columns than so far."""
    if set(now) != set(before):
        words = ", ".join(now) or "nothing"
        raise Impossible(
            f"its rows were told apart by {', '.join(before)}, and the source has {words} for that"
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a table's rows are stored in the source, and which versions its columns and key are of.

    ``VACUUM FULL`` and ``TRUNCATE`` move the rows, a rename touches a column; only an ALTER TABLE
    that rewrites rows does both, and the stream says nothing of it.
    """

    storage: int
    columns: str


def rewritten(before: Shape, now: Shape) -> bool:
    """Whether the rows may have got other values without a change in the stream."""
    return before.storage != now.storage and before.columns != now.columns
