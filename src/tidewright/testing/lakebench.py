"""What a commit of four tables costs, and that it stays so.

``python -m tidewright.testing.lakebench --commits 2000``: two current-state tables (an append and
position deletes each commit, small files merged every 15 commits) and two partitioned raw tables,
in one transaction on a temporary PostgreSQL with fsync on. CPU is this process's, without the
compaction; the last line compares the end with commits 20 to 119.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DateType, LongType, NestedField, StringType

from tidewright.pipelines.lake import store
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

CURRENT, RAW = ("bank.users", "bank.accounts"), ("raw_data.users", "raw_data.accounts")
BASE_ROWS, BASE_FILES, BLOCK, MERGE_EVERY = 20_000, 4, 100, 15
RAW_SCHEMA = Schema(
    NestedField(1, "id", LongType()),
    NestedField(2, "data", StringType()),
    NestedField(3, "op", StringType()),
    NestedField(4, "ts_ms", LongType()),
    NestedField(5, "source_table", StringType()),
    NestedField(6, "partition_date", DateType()),
    NestedField(7, "_lsn", LongType()),
)
RAW_SPEC = PartitionSpec(
    PartitionField(6, 1000, IdentityTransform(), "partition_date"),
    PartitionField(5, 1001, IdentityTransform(), "source_table"),
    spec_id=0,
)


def _raw_rows(count: int, name: str) -> pa.Table:
    numbers = pa.array(np.arange(count))
    return pa.table({
        "id": numbers, "data": ['{"id":1,"email":"x@example.com"}'] * count, "op": ["u"] * count,
        "ts_ms": numbers, "source_table": [name] * count,
        "partition_date": pa.array(np.full(count, 20000, np.int32)).cast(pa.date32()),
        "_lsn": numbers,
    })  # fmt: skip


class Bench:
    """Four tables, and the same change of each for every commit."""

    def __init__(self, opened: store.Store, changes: int) -> None:
        self.store = opened
        self.random = np.random.default_rng(1)
        self.rows = lakes.rows(range(changes))
        self.raw = {n: _raw_rows(changes, n) for n in RAW}
        self.base: dict[str, list[int]] = {}
        self.dead: dict[int, int] = {}
        for name in CURRENT:
            table = opened.create(name, lakes.USERS, lakes.PLAIN, {})
            parts = [
                lakes.rows(range(i * BASE_ROWS, (i + 1) * BASE_ROWS)) for i in range(BASE_FILES)
            ]
            self.base[name] = [table.add_rows(p).number for p in parts]
        for name in RAW:
            opened.create(name, RAW_SCHEMA, RAW_SPEC, {})
        opened.commit(lakes.facts(1))

    def stage(self) -> None:
        for name in CURRENT:
            table = self.store.tables[name]
            table.add_rows(self.rows)
            each = len(self.rows) // BASE_FILES
            drawn = (self.random.choice(BASE_ROWS, each, replace=False) for _ in self.base[name])
            table.set_deletes({n: np.sort(r) for n, r in zip(self.base[name], drawn, strict=True)})
        for name in RAW:
            self.store.tables[name].add_rows(self.raw[name])

    def merge(self) -> None:
        """A stand-in for compaction: the small files of each table become one."""
        for name, table in self.store.tables.items():
            small = [n for n, f in table.data_files.items() if f.rows < BASE_ROWS]
            names = [f.name for f in table.schema.fields]
            parts = [table.read(n, names) for n in small]
            table.replace(small, [table.write(parts)], {} if name in CURRENT else None)


def run(opened: store.Store, commits: int, changes: int) -> tuple[np.ndarray, np.ndarray]:
    """CPU and wall milliseconds of each commit, staging included."""
    bench = Bench(opened, changes)
    cpu, wall = np.zeros(commits), np.zeros(commits)
    for n in range(commits):
        began = time.process_time(), time.perf_counter()
        bench.stage()
        cpu[n], wall[n] = time.process_time() - began[0], time.perf_counter() - began[1]
        if n % MERGE_EVERY == MERGE_EVERY - 1:
            bench.merge()
        began = time.process_time(), time.perf_counter()
        outcome = opened.commit(lakes.facts(2 + n))
        assert isinstance(outcome, store.Done), outcome
        opened.care()
        cpu[n] += time.process_time() - began[0]
        wall[n] += time.perf_counter() - began[1]
    return cpu * 1000, wall * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=2000)
    parser.add_argument("--changes", type=int, default=400, help="per table and commit")
    told = parser.parse_args()
    with (
        TempPostgres({"fsync": "on"}) as server,
        tempfile.TemporaryDirectory() as folder,
        lakes.TempLake(server, Path(folder)) as lake,
    ):
        cpu, wall = run(lake.open(), told.commits, told.changes)
    for first in range(20, told.commits - BLOCK + 1, max(BLOCK, told.commits // 10)):
        block = slice(first, first + BLOCK)
        shown = [
            f"{np.median(x[block]):.1f}/{np.percentile(x[block], 95):.1f}" for x in (cpu, wall)
        ]
        print(
            f"commits {first}-{first + BLOCK - 1}: CPU {shown[0]} ms, wall {shown[1]} ms (p50/p95)"
        )
    early, late = slice(20, 20 + BLOCK), slice(-BLOCK, None)
    ratio = [np.median(x[late]) / np.median(x[early]) for x in (cpu, wall)]
    print(f"end over start (p50): CPU {ratio[0]:.2f}, wall {ratio[1]:.2f}")


if __name__ == "__main__":
    main()
