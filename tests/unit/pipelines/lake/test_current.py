"""The current state against a plain dict, through random histories, on the fake table."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import (
    DecimalType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
)
from tests.unit.pipelines.lake import histories

from tidewright import errors
from tidewright.pipelines.lake import compaction, current
from tidewright.pipelines.lake import schema as columns
from tidewright.testing import lake, lakes
from tidewright.testing.postgres import TempPostgres

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "name", StringType()),
    NestedField(3, "n", IntegerType()),
)


def rows(*values: tuple[int, str | None, int | None]) -> pa.Table:
    return pa.table({
        "id": pa.array([v[0] for v in values], pa.int64()),
        "name": pa.array([v[1] for v in values], pa.string()),
        "n": pa.array([v[2] for v in values], pa.int32()),
    })  # fmt: skip


def ops(text: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(text.encode(), np.uint8)


class Bench:
    """A current table over a fake one, its compaction run by hand."""

    def __init__(self, policy: compaction.Policy = histories.SMALL) -> None:
        self.hand = lake.ByHand()
        self.table = lake.FakeTable(SCHEMA, part_rows=4)
        self.current = current.CurrentTable(self.table, ("id",), self.hand, policy)

    def apply(self, text: str, *values: tuple[int, str | None, int | None]) -> None:
        self.current.apply(ops(text), rows(*values))

    def commit(self) -> list[tuple[int, str | None, int | None]]:
        self.table.commit()
        self.current.committed()
        return sorted((r["id"], r["name"], r["n"]) for r in self.table.contents())

    def fill(self, files: int = 4, each: int = 5) -> None:
        """Small files of inserts, one per commit, without any two of them alike."""
        for file in range(files):
            keys = range(file * each, (file + 1) * each)
            self.apply("c" * each, *[(k, f"v{k}", k) for k in keys])
            self.commit()


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- apply ----------------------------------------------------------------------------------


def test_the_last_version_of_a_key_wins_and_is_the_only_one_written(bench: Bench) -> None:
    bench.apply("cuud", (1, "a", 1), (1, "b", 2), (2, "x", 9), (2, None, None))
    assert [f.rows for f in bench.table.data_files.values()] == [1]
    assert bench.commit() == [(1, "b", 2)]
    assert bench.current.rows() == 1


def test_rows_keep_their_order_within_a_file(bench: Bench) -> None:
    bench.apply("ccuc", (9, "a", 1), (2, "b", 2), (9, "c", 3), (5, "d", 4))
    (number,) = bench.table.data_files
    assert bench.table.read(number, ["id"])["id"].to_pylist() == [2, 9, 5]


def test_a_delete_and_an_insert_of_one_key_keep_their_order(bench: Bench) -> None:
    bench.apply("cc", (1, "a", 1), (2, "b", 2))
    bench.apply("dccd", (1, None, None), (1, "again", 3), (2, "late", 4), (2, None, None))
    assert bench.commit() == [(1, "again", 3)]


def test_an_insert_of_a_known_key_replaces_it(bench: Bench) -> None:
    bench.apply("r", (1, "copied", 1))
    bench.commit()
    bench.apply("c", (1, "streamed", 2))
    assert bench.commit() == [(1, "streamed", 2)]
    assert bench.current.rows() == 1


def test_several_applies_in_one_commit_see_each_other(bench: Bench) -> None:
    bench.apply("c", (1, "a", 1))
    bench.apply("u", (1, "b", 2))
    bench.apply("cd", (3, "c", 3), (1, None, None))
    bench.apply("u", (3, "d", 4))
    assert bench.commit() == [(3, "d", 4)]


def test_only_deletes_write_no_data_file(bench: Bench) -> None:
    bench.apply("cc", (1, "a", 1), (2, "b", 2))
    bench.commit()
    bench.apply("d", (1, None, None))
    assert len(bench.table.data_files) == 1
    assert bench.commit() == [(2, "b", 2)]


def test_nothing_to_apply_stages_nothing(bench: Bench) -> None:
    bench.apply("")
    assert not bench.table.data_files


def test_a_null_in_the_key_is_refused(bench: Bench) -> None:
    table = rows((1, "a", 1)).set_column(0, "id", pa.array([None], pa.int64()))
    with pytest.raises(errors.Refused, match=r"lake\.key_null"):
        bench.current.apply(ops("c"), table)


def test_keys_are_compared_as_the_files_hold_them() -> None:
    table = lake.FakeTable(Schema(NestedField(1, "amount", DecimalType(10, 2))))
    state = current.CurrentTable(table, ("amount",), lake.ByHand())
    value = pa.array([decimal.Decimal("1.50")])
    state.apply(ops("c"), pa.table({"amount": value.cast(pa.decimal128(10, 2))}))
    state.apply(ops("d"), pa.table({"amount": value.cast(pa.decimal128(5, 1))}))
    assert state.rows() == 0


# -- truncate, fetch, reopen ----------------------------------------------------------------


def test_truncate_removes_committed_and_staged_rows_and_keys_come_back(bench: Bench) -> None:
    bench.fill(2)
    bench.apply("cd", (50, "staged", 1), (1, None, None))
    bench.current.truncate()
    bench.apply("cu", (1, "new", 1), (50, "new", 2))
    assert bench.commit() == [(1, "new", 1), (50, "new", 2)]
    assert bench.current.rows() == 2


def test_truncate_of_an_empty_table_is_nothing(bench: Bench) -> None:
    bench.current.truncate()
    assert bench.commit() == []


def test_fetch_gives_present_values_in_the_order_asked_also_staged_and_twice(bench: Bench) -> None:
    bench.fill(3)
    bench.apply("u", (7, "staged", 70))
    found = bench.current.fetch(pa.table({"id": [11, 7, 0, 7]}), ["n", "name"])
    assert found.to_pydict() == {"n": [11, 70, 0, 70], "name": ["v11", "staged", "v0", "staged"]}
    assert bench.current.fetch(pa.table({"id": pa.array([], pa.int64())}), ["n"]).num_rows == 0


def test_fetch_of_a_row_that_is_not_there_breaks_a_promise(bench: Bench) -> None:
    bench.fill(1)
    bench.apply("d", (0, None, None))
    with pytest.raises(errors.PromiseBroken, match="2 of 3 rows") as told:
        bench.current.fetch(pa.table({"id": [0, 1, 99]}), ["n"])
    assert told.value.code == "lake.key_missing"


def test_a_key_that_is_twice_in_the_files_is_found_at_start(bench: Bench) -> None:
    bench.fill(1)
    bench.table.add_rows(rows((3, "foreign", 1)))
    with pytest.raises(errors.PromiseBroken, match=r"lake\.key_twice"):
        current.CurrentTable(bench.table, ("id",), bench.hand)


def test_a_renamed_and_promoted_key_stays_the_key() -> None:
    schema = Schema(NestedField(1, "a", StringType()), NestedField(2, "b", IntegerType()))
    table = lake.FakeTable(schema)
    state = current.CurrentTable(table, ("b", "a"), lake.ByHand())
    state.apply(ops("cc"), pa.table({"a": ["x", "y"], "b": pa.array([1, 2], pa.int32())}))
    table.evolve([columns.RenameColumn("b", "c"), columns.Promote("c", LongType())])
    state.apply(ops("du"), pa.table({"a": ["x", "y"], "c": [1, 2]}))
    table.commit()
    assert table.contents() == [{"a": "y", "c": 2}]


# -- compaction -----------------------------------------------------------------------------


def test_small_files_become_one_and_dead_rows_stay_out(bench: Bench) -> None:
    bench.fill(4)
    bench.apply("dd", (0, None, None), (19, None, None))
    before = bench.commit()
    bench.current.upkeep()
    assert bench.hand.run()
    bench.current.upkeep()
    assert bench.commit() == before
    assert [f.rows for f in bench.table.data_files.values()] == [18]


def test_what_changes_while_a_compaction_runs_is_carried_over(bench: Bench) -> None:
    bench.fill(4)
    bench.current.upkeep()
    bench.apply("ud", (3, "before the write", 1), (4, None, None))
    bench.commit()
    assert bench.hand.run()
    bench.apply("udc", (3, "after the write", 2), (5, None, None), (4, "back", 3))
    bench.current.upkeep()
    bench.apply("ud", (6, "after the join", 4), (7, None, None))
    expected = {k: (k, f"v{k}", k) for k in range(20) if k not in (5, 7)}
    expected |= {3: (3, "after the write", 2), 4: (4, "back", 3), 6: (6, "after the join", 4)}
    assert bench.commit() == sorted(expected.values())
    again = current.CurrentTable(bench.table.reopened(), ("id",), bench.hand)
    assert again.rows() == bench.current.rows() == 18


def test_a_staged_file_is_not_compacted_before_its_commit(bench: Bench) -> None:
    for key in range(8):
        bench.apply("c", (key, "a", 1))
    bench.current.upkeep()
    assert not bench.hand.run()
    bench.commit()
    bench.current.upkeep()
    assert bench.hand.run()


@pytest.mark.parametrize("when", ["before the write", "after the write"])
def test_a_compaction_is_dropped_when_its_files_are_gone(bench: Bench, when: str) -> None:
    bench.fill(4)
    bench.current.upkeep()
    if when == "before the write":
        bench.current.truncate()
    bench.hand.run()
    if when == "after the write":
        bench.current.truncate()
    bench.apply("c", (3, "new", 1))
    bench.current.upkeep()
    assert bench.commit() == [(3, "new", 1)]


def test_a_compaction_is_dropped_when_a_column_was_renamed_meanwhile(bench: Bench) -> None:
    bench.fill(4)
    bench.current.upkeep()
    bench.hand.run()
    bench.table.evolve([columns.RenameColumn("name", "title")])
    bench.current.upkeep()
    bench.table.commit()
    assert {r["title"] for r in bench.table.contents()} == {f"v{k}" for k in range(20)}
    assert len(bench.table.data_files) == 4


def test_a_refused_commit_forgets_the_compaction_that_saw_it(bench: Bench) -> None:
    bench.fill(4)
    bench.apply("d", (3, None, None))
    bench.current.upkeep()
    bench.hand.run()
    bench.table.discard()
    bench.current.rolled_back()
    bench.current.upkeep()
    assert len(bench.commit()) == 20


def test_a_failed_compaction_is_told_at_the_join(bench: Bench) -> None:
    bench.fill(4)
    broken: Callable[[object], object] = lambda _: 1 / 0  # noqa: E731  a full disk, say
    bench.table.write = broken  # type: ignore[assignment,method-assign]
    bench.current.upkeep()
    bench.hand.run()
    with pytest.raises(ZeroDivisionError):
        bench.current.upkeep()


def test_many_delete_files_become_one_without_any_data_to_merge() -> None:
    bench = Bench(compaction.Policy(10, 1 << 30, (0.001, 0.01, 0.02), 99, 9.0, 1.0, 3))
    bench.fill(1, each=20)
    for key in range(5):
        bench.apply("d", (key, None, None))
        bench.commit()
    bench.current.upkeep()
    assert len(bench.commit()) == 15
    assert len(bench.table.delete_files) == 1


# -- random histories -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(histories.KINDS))
@pytest.mark.parametrize("seed", range(5))
def test_random_histories_equal_a_dict(kind: str, seed: int) -> None:
    table = lake.FakeTable(histories.KINDS[kind].schema, part_rows=16)
    history = histories.Histories(seed, histories.FakeLake(table), histories.KINDS[kind])
    history.run(250)
    assert history.joined >= 3


@pytest.mark.parametrize(("kind", "seed"), [("integer", 11), ("composite", 12)])
def test_random_histories_on_a_real_lake_equal_a_dict(
    kind: str, seed: int, postgres: TempPostgres, tmp_path: Path
) -> None:
    chosen = histories.KINDS[kind]
    temp = lakes.TempLake(postgres, tmp_path)
    with histories.RealLake(temp, chosen.schema) as real:
        history = histories.Histories(seed, real, chosen)
        history.run(120)
        assert history.joined >= 3
        expected = sorted(map(repr, history.visible.values()))
        assert sorted(map(repr, real.pyiceberg_contents())) == expected
        assert sorted(map(repr, real.duckdb_contents())) == expected
