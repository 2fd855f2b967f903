"""A source table as the feed describes it: its columns and what identifies a row.

No values are here (see ``chunk``), and no catalog queries (see ``feeds.tables``).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Keys = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``key``: part of the replica identity (every column under FULL)."""

    name: str
    type_oid: int
    typmod: int
    key: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """One version of a table. ``identity``: d(efault), i(ndex), f(ull) or n(othing)."""

    oid: int
    namespace: str
    name: str
    identity: str
    columns: tuple[Column, ...]

    @property
    def table(self) -> str:
        return f"{self.namespace}.{self.name}"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def identified_by(self) -> tuple[str, ...]:
        """The columns that an old row brings with it."""
        return tuple(c.name for c in self.columns if c.key)


def alike(names: Sequence[str]) -> tuple[str, ...]:
    """Names that differ by case only: DuckDB, Spark and others take them for one column."""
    count = Counter(name.casefold() for name in names)
    return tuple(name for name in names if count[name.casefold()] > 1)


def key_of(relation: Relation, primary: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that name a row in current state; empty when nothing does.

    A delete must bring them: under FULL it brings every column, so the primary key serves; with
    any other identity only the identity columns come, whatever the primary key is.
    """
    if relation.identity == "f":
        return primary
    return relation.identified_by


@dataclass(slots=True)
class Versions:
    """Which version of each table is in force at a point of the feed.

    A slot is one version; it is never reused, so that rows of version A, then B, then A again
    stay in three parts and keep their order.
    """

    keys: Keys
    relations: list[Relation] = field(default_factory=list)
    current: dict[int, int] = field(default_factory=dict)

    def learn(self, relation: Relation) -> bool:
        """Take in a Relation message; True when it starts a new version."""
        slot = self.current.get(relation.oid)
        if slot is not None and self.relations[slot] == relation:
            return False
        self.current[relation.oid] = len(self.relations)
        self.relations.append(relation)
        return True

    def key_numbers(self, slot: int) -> tuple[int, ...]:
        """The column numbers whose change makes an update a delete and an insert."""
        relation = self.relations[slot]
        names = key_of(relation, self.keys.get(relation.table, ()))
        return tuple(i for i, c in enumerate(relation.columns) if c.name in names)


def parse(message: bytes) -> Relation:
    """Read a pgoutput Relation message (version 1), its type byte included."""
    (oid,) = struct.unpack_from(">I", message, 1)
    namespace, at = text_at(message, 5)
    name, at = text_at(message, at)
    identity, count = struct.unpack_from(">cH", message, at)
    at += 3
    columns = []
    for _ in range(count):
        flags = message[at]
        column, at = text_at(message, at + 1)
        type_oid, typmod = struct.unpack_from(">Ii", message, at)
        at += 8
        columns.append(Column(column, type_oid, typmod, bool(flags & 1)))
    return Relation(oid, namespace or "pg_catalog", name, identity.decode(), tuple(columns))


def text_at(message: bytes, at: int) -> tuple[str, int]:
    """The zero-terminated text at ``at``, and where it ends."""
    end = message.index(0, at)
    return message[at:end].decode(), end + 1
