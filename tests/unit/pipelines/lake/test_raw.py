"""The raw log: split by partition, merged in tiers, never changed."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DateType, LongType, NestedField, StringType

from tidewright.pipelines.lake import compaction, raw, store
from tidewright.testing import lake, lakes
from tidewright.testing.postgres import TempPostgres

SCHEMA = Schema(
    NestedField(1, "data", StringType()),
    NestedField(2, "source_table", StringType(), required=True),
    NestedField(3, "partition_date", DateType(), required=True),
    NestedField(4, "_lsn", LongType(), required=True),
    NestedField(5, "_seq", LongType(), required=True),
)
SPEC = PartitionSpec(
    PartitionField(3, 1000, IdentityTransform(), "partition_date"),
    PartitionField(2, 1001, IdentityTransform(), "source_table"),
)
# Three files of a tier become one; files of these tests have a few hundred bytes.
SMALL = compaction.Policy(1 << 40, 30_000, (1 / 20, 1 / 4, 1 / 2), 3, 1.0, 1.0, 0)
DAY = datetime.date(2026, 11, 21)


def changes(first: int, count: int, days: int = 1, tables: int = 1) -> pa.Table:
    """Changes ``first`` and following, two to a transaction, dealt to days and tables."""
    numbers = np.arange(first, first + count)
    return pa.table({
        "data": [f'{{"n": {n}}}' for n in numbers],
        "source_table": [f"bank.t{n % tables}" for n in numbers],
        "partition_date": [DAY + datetime.timedelta(int(n) % days) for n in numbers],
        "_lsn": numbers // 2,
        "_seq": numbers % 2,
    })  # fmt: skip


def fake() -> lake.FakeTable:
    return lake.FakeTable(SCHEMA, raw.PARTITION)


def logged(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return sorted(tuple(row.values()) for row in rows)


def positions(table: lake.FakeTable, file: int) -> list[tuple[int, int]]:
    found = table.read(file, raw.ORDER).to_pydict()
    return list(zip(found["_lsn"], found["_seq"], strict=True))


def test_rows_are_split_by_day_and_source_table_and_keep_their_order() -> None:
    table = fake()
    rows = changes(0, 60, days=2, tables=3)
    raw.RawTable(table).append(rows)
    table.commit()
    assert len(table.data_files) == 6
    assert logged(table.contents()) == logged(rows.to_pylist())
    assert all(positions(table, n) == sorted(positions(table, n)) for n in table.data_files)


def test_rows_of_one_partition_are_one_file_and_no_rows_none() -> None:
    table = fake()
    log = raw.RawTable(table)
    log.append(changes(0, 50))
    log.append(changes(0, 0))
    assert [f.rows for f in table.data_files.values()] == [50]


def merged(log: raw.RawTable, table: lake.FakeTable, hand: lake.ByHand) -> bool:
    """One round of upkeep from start to commit; whether there was anything to do."""
    log.upkeep()
    worked = hand.run()
    log.upkeep()
    table.commit()
    log.committed()
    return worked


def test_small_files_of_a_partition_become_one_in_the_order_of_the_source() -> None:
    table, hand = fake(), lake.ByHand()
    log = raw.RawTable(table, hand, SMALL)
    for first in (20, 0, 10):
        log.append(changes(first, 10))
        log.append(changes(first, 10, tables=1).set_column(1, "source_table", pa.array(["x"] * 10)))
        table.commit()
        log.committed()
    before = logged(table.contents())
    assert merged(log, table, hand)
    assert merged(log, table, hand)
    assert not merged(log, table, hand)
    assert logged(table.contents()) == before
    assert [positions(table, n) for n in table.data_files] == [
        [(n // 2, n % 2) for n in range(30)]
    ] * 2


def test_files_are_merged_after_their_commit_only() -> None:
    table, hand = fake(), lake.ByHand()
    log = raw.RawTable(table, hand, SMALL)
    for first in range(5):
        log.append(changes(first, 1))
    log.upkeep()
    assert not hand.run()


def test_rows_appended_while_files_are_merged_stay() -> None:
    table, hand = fake(), lake.ByHand()
    log = raw.RawTable(table, hand, SMALL)
    for first in range(3):
        log.append(changes(first, 1))
    table.commit()
    log.committed()
    log.upkeep()
    log.append(changes(3, 1))
    hand.run()
    log.append(changes(4, 1))
    log.upkeep()
    table.commit()
    assert logged(table.contents()) == logged(changes(0, 5).to_pylist())
    assert len(table.data_files) == 3


def test_a_refused_commit_forgets_its_merge() -> None:
    table, hand = fake(), lake.ByHand()
    log = raw.RawTable(table, hand, SMALL)
    for first in range(3):
        log.append(changes(first, 1))
    table.commit()
    log.committed()
    log.upkeep()
    hand.run()
    table.discard()
    log.rolled_back()
    assert merged(log, table, hand)
    assert logged(table.contents()) == logged(changes(0, 3).to_pylist())


def test_a_long_log_has_few_files() -> None:
    table, hand = fake(), lake.ByHand()
    log = raw.RawTable(table, hand, SMALL)
    for step in range(300):
        log.append(changes(step, 1))
        merged(log, table, hand)
    assert len(table.data_files) <= 9
    assert logged(table.contents()) == logged(changes(0, 300).to_pylist())


@pytest.fixture
def opened(postgres: TempPostgres, tmp_path: Path) -> Iterator[store.Store]:
    found = lakes.TempLake(postgres, tmp_path).open()
    yield found
    found.close()


def test_a_real_lake_reads_back_every_row_of_every_partition(opened: store.Store) -> None:
    table, hand = opened.create("raw_data.t", SCHEMA, SPEC, {}), lake.ByHand()
    log = raw.RawTable(table, hand, SMALL)
    for step in range(12):
        log.append(changes(step * 20, 20, days=2, tables=2))
        assert isinstance(opened.commit(lakes.facts(100 + step)), store.Done)
        log.committed()
        log.upkeep()
        hand.run()
    point = opened.last_commit()
    assert point is not None
    found = lakes.by_duckdb(point.tables["raw_data.t"].metadata)
    assert sorted(found) == logged(changes(0, 240, days=2, tables=2).to_pylist())
    assert len(table.data_files) < 48
