"""Seeded random histories of a current-state table, and the plain dict that must equal it.

The lake below is the fake or a real store; the same steps run on both.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import (
    DateType,
    DecimalType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
)

from tidewright.pipelines.lake import compaction, current, store
from tidewright.pipelines.lake import schema as columns
from tidewright.testing import lake, lakes

# Files of these tests have a few dozen rows: everything happens often.
SMALL = compaction.Policy(200, 1 << 40, (1 / 8, 1 / 4, 3 / 4), 3, 1.5, 0.1, 4)
KEYS = 100

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of key: its columns, and the values of the n-th key."""

    schema: Schema
    key: tuple[str, ...]
    values: Callable[[int], tuple[Any, ...]]


def _kind(values: Callable[[int], tuple[Any, ...]], **key: Any) -> Kind:
    fields = [NestedField(i + 1, n, t, required=True) for i, (n, t) in enumerate(key.items())]
    fields += [NestedField(8, "text", StringType()), NestedField(9, "n", IntegerType())]
    return Kind(Schema(*fields), tuple(key), values)


KINDS = {
    "integer": _kind(lambda n: (n * 7 - 300,), id=LongType()),
    "text": _kind(lambda n: (f"user-{n}" + "x" * (n % 11),), id=StringType()),
    "composite": _kind(lambda n: (n % 10, str(n // 10)), a=IntegerType(), b=StringType()),
    "exotic": _kind(
        lambda n: (datetime.date(2020, 1, 1 + n % 20), decimal.Decimal(n // 20) / 4),
        day=DateType(), amount=DecimalType(10, 2),
    ),
}  # fmt: skip


class Lake(Protocol):
    """Where a history runs."""

    table: compaction.Files

    def commit(self) -> None: ...
    def discard(self) -> None: ...
    def reopen(self) -> None: ...
    def contents(self) -> list[Row] | None: ...


class FakeLake:
    def __init__(self, table: lake.FakeTable) -> None:
        self.table = table

    def commit(self) -> None:
        self.table.commit()

    def discard(self) -> None:
        self.table.discard()

    def reopen(self) -> None:
        self.table = self.table.reopened()

    def contents(self) -> list[Row]:
        return self.table.contents()


class RealLake:
    """A store on PostgreSQL and files; every fourth commit is read back by DuckDB."""

    NAME = "bank.users"

    def __init__(self, temp: lakes.TempLake, schema: Schema) -> None:
        self._temp, self._schema = temp, schema
        self._lsn = 100
        self.store = temp.open()
        self.table = self.store.create(self.NAME, schema, lakes.PLAIN, {})
        self.commit()

    def commit(self) -> None:
        self._lsn += 1
        assert isinstance(self.store.commit(lakes.facts(self._lsn)), store.Done)

    def discard(self) -> None:
        self.store.discard()

    def reopen(self) -> None:
        self.store.close()
        self.store = self._temp.open()
        table = self.store.table(self.NAME)
        assert table is not None
        self.table = table

    def __enter__(self) -> RealLake:
        return self

    def __exit__(self, *exc: object) -> None:
        self.store.close()

    def contents(self) -> list[Row] | None:
        return None if self._lsn % 4 else self.duckdb_contents()

    def duckdb_contents(self) -> list[Row]:
        point = self.store.last_commit()
        assert point is not None
        return self._rows(lakes.by_duckdb(point.tables[self.NAME].metadata))

    def pyiceberg_contents(self) -> list[Row]:
        return self._rows(lakes.by_pyiceberg(self._temp, self.NAME))

    def _rows(self, found: Sequence[tuple[Any, ...]]) -> list[Row]:
        names = [field.name for field in self._schema.fields]
        return [dict(zip(names, row, strict=True)) for row in found]


class Histories:
    """One history. ``oracle`` is the state with what is staged, ``visible`` that of the reader."""

    def __init__(self, seed: int, where: Lake, kind: Kind) -> None:
        self.rng = np.random.default_rng(seed)
        self.lake, self.kind = where, kind
        self.arrow = columns.arrow_schema(kind.schema).remove_metadata()
        self.oracle: dict[tuple[Any, ...], Row] = {}
        self.visible: dict[tuple[Any, ...], Row] = {}
        self.joined = self.changes = 0
        self._open()

    def _open(self) -> None:
        self.hand = lake.ByHand()
        self.current = current.CurrentTable(self.lake.table, self.kind.key, self.hand, SMALL)
        assert self.current.rows() == len(self.visible)
        self.oracle = dict(self.visible)

    def run(self, steps: int) -> None:
        often = [self.apply] * 3 + [self.upkeep] * 3 + [self.commit, self.commit, self.work]
        acts = often * 8 + [self.fetch, self.truncate, self.discard, self.reopen]
        for _ in range(steps):
            acts[self.rng.integers(len(acts))]()
            assert self.current.rows() == len(self.oracle)
        self.commit()
        self.reopen()
        assert self.current.rows() == len(self.oracle)

    def apply(self) -> None:
        size = int(self.rng.integers(1, 40))
        rows, ops = [], []
        for n in self.rng.integers(0, KEYS, size).tolist():
            self.changes += 1
            key = self.kind.values(n)
            op = "cuurd"[self.rng.integers(5)]
            row = dict(zip(self.kind.key, key, strict=True)) | {"text": None, "n": None}
            if op == "d":
                self.oracle.pop(key, None)
            else:
                row |= {"text": f"{op}{self.changes}", "n": self.changes}
                self.oracle[key] = row
            rows.append(row)
            ops.append(ord(op))
        table = pa.Table.from_pylist(rows, schema=self.arrow)
        self.current.apply(np.array(ops, np.uint8), table)

    def truncate(self) -> None:
        self.current.truncate()
        self.oracle.clear()

    def commit(self) -> None:
        self.lake.commit()
        self.current.committed()
        self.visible = dict(self.oracle)
        found = self.lake.contents()
        if found is not None:
            assert self._sorted(found) == self._sorted(list(self.visible.values()))

    def discard(self) -> None:
        self.lake.discard()
        self.oracle = dict(self.visible)
        self.current.rolled_back()

    def reopen(self) -> None:
        self.lake.reopen()
        self._open()

    def upkeep(self) -> None:
        files = set(self.lake.table.data_files)
        self.current.upkeep()
        self.joined += files != set(self.lake.table.data_files)

    def work(self) -> None:
        self.hand.run()

    def fetch(self) -> None:
        keys = list(self.oracle)
        if not keys:
            return
        chosen = [keys[i] for i in self.rng.integers(0, len(keys), 5).tolist()]
        schema = pa.schema([self.arrow.field(name) for name in self.kind.key])
        asked = [dict(zip(self.kind.key, key, strict=True)) for key in chosen]
        found = self.current.fetch(pa.Table.from_pylist(asked, schema=schema), ["n", "text"])
        assert found.column("n").to_pylist() == [self.oracle[key]["n"] for key in chosen]

    def _sorted(self, rows: Sequence[Row]) -> list[list[Any]]:
        names = [field.name for field in self.kind.schema.fields]
        return sorted([row[name] for name in names] for row in rows)
