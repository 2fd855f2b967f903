"""Readers that know nothing of us see the same rows: DuckDB, PyIceberg and Polars.

A seeded mix of appends, updates, deletes, compactions, truncates and column changes is compared
with a plain dict after every commit, at the head and, in the end, at every listed snapshot.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from tidewright.clients import duckdb as duck
from tidewright.pipelines.lake import schema, store
from tidewright.pipelines.lake import table as lake_table
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

Row = tuple[object, ...]


@pytest.fixture
def lake(postgres: TempPostgres, tmp_path: Path) -> Iterator[lakes.TempLake]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield lake


class Model:
    """A table kept by hand beside a dict: what every reader must answer."""

    def __init__(self, table: lake_table.Table, seed: int) -> None:
        self.table = table
        self.random = random.Random(seed)
        self.rows: dict[int, Row] = {}
        self.place: dict[int, tuple[int, int]] = {}
        self.dead: dict[int, set[int]] = {}
        self.version = 0

    def upsert(self, keys: list[int]) -> None:
        self.version += 1
        self.delete([k for k in keys if k in self.rows])
        file = self.table.add_rows(lakes.rows(keys, f"v{self.version}-"))
        for at, key in enumerate(keys):
            self.rows[key] = (key, f"v{self.version}-{key}", key * 10)
            self.place[key] = (file.number, at)

    def delete(self, keys: list[int]) -> None:
        gone: dict[int, list[int]] = {}
        for key in keys:
            number, at = self.place.pop(key)
            del self.rows[key]
            gone.setdefault(number, []).append(at)
            self.dead.setdefault(number, set()).add(at)
        self.table.set_deletes({n: np.array(sorted(r)) for n, r in gone.items()})

    def compact(self, every: bool) -> None:
        """Merge two files; ``every``: rewrite all live delete files as well."""
        old = sorted(self.table.data_files)[:2]
        parts, keys = [], []
        for number in old:
            part = self.table.read(number, ["id", "name", "amount"])
            keep = np.array([at not in self.dead.get(number, ()) for at in range(len(part))], bool)
            parts.append(part.filter(pa.array(keep)))
            keys += parts[-1].column("id").to_pylist()
            self.dead.pop(number, None)
        rest = {n: np.array(sorted(r)) for n, r in self.dead.items()}
        added = [self.table.write(parts)] if keys else []
        self.table.replace(old, added, rest if every else None)
        for at, key in enumerate(keys):
            self.place[key] = (added[0].number, at)

    def truncate(self) -> None:
        self.table.remove(list(self.table.data_files))
        self.rows, self.place, self.dead = {}, {}, {}

    def step(self) -> None:
        dice = self.random.random()
        known = list(self.rows)
        if dice < 0.5 or not known:
            self.upsert(self.random.sample(range(300), 40))
        elif dice < 0.7:
            self.delete(self.random.sample(known, min(len(known), 20)))
        elif dice < 0.95:
            self.compact(every=dice < 0.8)
        else:
            self.truncate()

    def answer(self) -> list[Row]:
        return sorted(self.rows.values(), key=repr)


def agree(lake: lakes.TempLake, name: str, location: str, expected: list[Row]) -> None:
    assert lakes.by_duckdb(location) == expected
    assert lakes.by_pyiceberg(lake, name) == expected
    assert lakes.by_polars(location) == expected


@pytest.mark.parametrize("seed", [1, 2])
def test_a_mix_of_changes_reads_the_same_everywhere(lake: lakes.TempLake, seed: int) -> None:
    opened = lake.open()
    model = Model(opened.create("bank.a", lakes.USERS, lakes.PLAIN, {}), seed)
    history: dict[int, list[Row]] = {}
    for n in range(30):
        model.step()
        if model.random.random() < 0.3:
            model.step()
        done = opened.commit(lakes.facts(100 + n))
        assert isinstance(done, store.Done)
        if n % 10 == 9:
            agree(lake, "bank.a", done.tables["bank.a"].metadata, model.answer())
        snapshot = model.table.snapshot_id
        assert snapshot is not None or not model.rows
        history[snapshot or 0] = model.answer()
        total = sum(f.rows for f in model.table.data_files.values())
        dead = sum(len(r) for r in model.table.read_deletes().values())
        assert total - dead == len(model.rows)
    location = model.table.point.metadata
    listed = [s.id for s in model.table.metadata.snapshots]
    assert len(listed) >= 18
    for snapshot in listed:
        assert lakes.by_duckdb(location, snapshot) == history[snapshot]
    assert lakes.by_pyiceberg(lake, "bank.a", listed[0]) == history[listed[0]]
    assert lakes.by_polars(location, listed[3]) == history[listed[3]]


def test_a_restart_reads_the_same_table(lake: lakes.TempLake) -> None:
    opened = lake.open()
    model = Model(opened.create("bank.a", lakes.USERS, lakes.PLAIN, {}), 3)
    for n in range(12):
        model.step()
        opened.commit(lakes.facts(100 + n))
    model.upsert([1, 2])
    opened.commit(lakes.facts(200))
    model.compact(every=False)
    opened.commit(lakes.facts(201))
    again = lake.open().table("bank.a")
    assert again is not None
    assert again.metadata == model.table.metadata
    old = {f.path: n for n, f in model.table.data_files.items()}
    assert {f.path for f in again.data_files.values()} == set(old)
    found = {old[again.data_files[n].path]: set(r) for n, r in again.read_deletes().items()}
    assert found == {n: r for n, r in model.dead.items() if n in model.table.data_files}


def test_an_empty_and_an_emptied_table(lake: lakes.TempLake) -> None:
    opened = lake.open()
    table = opened.create("bank.a", lakes.USERS, lakes.PLAIN, {})
    opened.commit(lakes.facts(1))
    agree(lake, "bank.a", table.point.metadata, [])
    table.add_rows(lakes.rows([1, 2]))
    opened.commit(lakes.facts(2))
    table.remove(list(table.data_files))
    opened.commit(lakes.facts(3))
    agree(lake, "bank.a", table.point.metadata, [])
    table.add_rows(lakes.rows([5]))
    opened.commit(lakes.facts(4))
    agree(lake, "bank.a", table.point.metadata, [(5, "n5", 50)])


def test_columns_come_go_widen_and_change_their_names(lake: lakes.TempLake) -> None:
    opened = lake.open()
    narrow = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "small", IntegerType()),
        NestedField(3, "gone", StringType()),
        NestedField(4, "ratio", FloatType()),
        identifier_field_ids=[1],
    )
    table = opened.create("bank.a", narrow, lakes.PLAIN, {})
    table.add_rows(pa.table({"id": [1], "small": [7], "gone": ["x"], "ratio": [0.5]}))
    opened.commit(lakes.facts(1))
    table.evolve(
        [
            schema.Promote("small", LongType()),
            schema.Promote("ratio", DoubleType()),
            schema.DropColumn("gone"),
            schema.AddColumn("gone", LongType()),
            schema.RenameColumn("small", "big"),
        ]
    )
    table.add_rows(pa.table({"id": [2], "big": [1 << 40], "ratio": [0.25], "gone": [9]}))
    opened.commit(lakes.facts(2))
    expected: list[Row] = [(1, 7, 0.5, None), (2, 1 << 40, 0.25, 9)]
    agree(lake, "bank.a", table.point.metadata, expected)
    first = min(table.data_files)
    assert table.read(first, ["big", "gone"]).to_pylist() == [{"big": 7, "gone": None}]
    small = f"select id from iceberg_scan('{table.point.metadata}') where big < 100 and ratio > 0.3"
    with duck.connect() as conn:
        assert conn.execute(small).fetchall() == [(1,)]
    scan = lake.catalog().load_table("bank.a").scan(row_filter="big < 100 and ratio > 0.3")
    assert scan.to_arrow().column("id").to_pylist() == [1]
    old = table.metadata.snapshots[0].id
    assert lakes.by_pyiceberg(lake, "bank.a", old) == [(1, 7, "x", 0.5)]
    restarted = lake.open().table("bank.a")
    assert restarted is not None
    assert [f.name for f in restarted.schema.fields] == ["id", "big", "ratio", "gone"]


def test_a_partitioned_table_is_pruned_and_read(lake: lakes.TempLake) -> None:
    opened = lake.open()
    raw = Schema(
        NestedField(1, "id", LongType()),
        NestedField(2, "source_table", StringType()),
        NestedField(3, "partition_date", DateType()),
    )
    spec = PartitionSpec(
        PartitionField(3, 1000, IdentityTransform(), "partition_date"),
        PartitionField(2, 1001, IdentityTransform(), "source_table"),
        spec_id=0,
    )
    table = opened.create("raw_data.a", raw, spec, {})
    for day in (20000, 20001):
        dates = pa.array([day, day], pa.int32()).cast(pa.date32())
        rows = pa.table({"id": [day, day + 1], "source_table": ["bank.a"] * 2})
        table.add_rows(rows.append_column("partition_date", dates))
    opened.commit(lakes.facts(1))
    found = lakes.by_duckdb(table.point.metadata)
    assert [r[0] for r in found] == [20000, 20001, 20001, 20002]
    assert lakes.by_pyiceberg(lake, "raw_data.a") == found
    assert lakes.by_polars(table.point.metadata) == found
    scan = lake.catalog().load_table("raw_data.a").scan(row_filter="partition_date = '2024-10-05'")
    assert len(list(scan.plan_files())) == 1
    assert len(lake.open().tables["raw_data.a"].data_files) == 2


def test_every_type_survives_the_three_readers(lake: lakes.TempLake) -> None:
    opened = lake.open()
    types = [
        BooleanType(), IntegerType(), LongType(), FloatType(), DoubleType(), DecimalType(9, 2),
        DecimalType(18, 4), DecimalType(38, 10), DateType(), TimeType(), TimestampType(),
        TimestamptzType(), StringType(), BinaryType(), UUIDType(),
        ListType(100, LongType(), element_required=False),
    ]  # fmt: skip
    wide = Schema(*(NestedField(i + 1, f"c{i}", t) for i, t in enumerate(types)))
    table = opened.create("bank.t", wide, lakes.PLAIN, {})
    values = [
        [True, False], [-5, 5], [-(1 << 60), 1 << 60], [-1.5, 2.5], [-1.5, float("nan")],
        ["-1.10", "2.20"], ["-1.1000", "99999999999999.9999"], ["-0.1000000000", "1.0000000000"],
        [0, 20000], [0, 86_399_999_999], [-1, 1 << 52], [-1, 1 << 52],
        ["", "\U0010ffff" * 30], [b"", b"\xff" * 40], [b"\x00" * 16, b"\xff" * 16],
        [[1, None], []],
    ]  # fmt: skip
    arrow = schema.arrow_schema(wide)
    arrays = [_array([*v, None], f.type) for v, f in zip(values, arrow, strict=True)]
    table.add_rows(pa.Table.from_arrays(arrays, names=arrow.names))
    opened.commit(lakes.facts(1))
    read = table.read(min(table.data_files), arrow.names)
    for name, array in zip(arrow.names, arrays, strict=True):
        assert str(read.column(name).to_pylist()) == str(array.to_pylist()), name
    assert len(lakes.by_duckdb(table.point.metadata)) == 3
    assert len(lakes.by_pyiceberg(lake, "bank.t")) == 3
    assert len(lakes.by_polars(table.point.metadata)) == 3


def _array(values: list[object], kind: pa.DataType) -> pa.Array:
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    if pa.types.is_decimal(kind):
        return pa.array(values, pa.string()).cast(kind)
    if pa.types.is_temporal(kind):
        plain = pa.int32() if pa.types.is_date32(kind) else pa.int64()
        return pa.array(values, plain).cast(kind)
    return pa.array(values, kind)
