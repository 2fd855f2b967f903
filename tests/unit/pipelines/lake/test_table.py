"""Staging: what the live view shows, what a snapshot's summary says, and flat manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import BucketTransform, IdentityTransform

from tidewright import errors
from tidewright.pipelines.lake import store
from tidewright.pipelines.lake import table as lake_table
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def opened(postgres: TempPostgres, tmp_path: Path) -> Iterator[store.Store]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield lake.open()


def commit(opened: store.Store, lsn: int) -> None:
    assert isinstance(opened.commit(lakes.facts(lsn)), store.Done)


def first(opened: store.Store, count: int = 10) -> tuple[lake_table.Table, int]:
    table = opened.create("bank.a", lakes.USERS, lakes.PLAIN, {})
    file = table.add_rows(lakes.rows(range(count)))
    commit(opened, 1)
    return table, file.number


def summary(table: lake_table.Table) -> Mapping[str, str]:
    current = table.metadata.current
    assert current is not None
    return current.summary


def test_staged_files_are_in_the_live_view_at_once(opened: store.Store) -> None:
    table, base = first(opened)
    file = table.add_rows(lakes.rows([77]))
    assert set(table.data_files) == {base, file.number}
    assert table.read(file.number, ["id"]).to_pylist() == [{"id": 77}]
    table.remove([base])
    assert set(table.data_files) == {file.number}
    table.discard()
    assert set(table.data_files) == {base}


def test_an_append_says_so(opened: store.Store) -> None:
    table, _ = first(opened)
    found = summary(table)
    assert found["operation"] == "append"
    assert (found["added-data-files"], found["added-records"]) == ("1", "10")
    assert (found["total-records"], found["total-delete-files"]) == ("10", "0")


def test_an_update_is_an_overwrite_with_its_deletes_counted(opened: store.Store) -> None:
    table, base = first(opened)
    table.set_deletes({base: np.array([0, 3])})
    table.add_rows(lakes.rows([0, 3]))
    commit(opened, 2)
    found = summary(table)
    assert found["operation"] == "overwrite"
    assert (found["added-position-deletes"], found["total-position-deletes"]) == ("2", "2")
    assert (found["added-delete-files"], found["total-data-files"]) == ("1", "2")


def test_deletes_alone_are_a_delete(opened: store.Store) -> None:
    table, base = first(opened)
    table.set_deletes({base: np.array([1])})
    commit(opened, 2)
    assert summary(table)["operation"] == "delete"
    table.remove([base])
    commit(opened, 3)
    found = summary(table)
    assert (found["operation"], found["deleted-data-files"]) == ("delete", "1")
    assert (found["total-records"], found["total-position-deletes"]) == ("0", "0")


def test_a_compaction_is_a_replace_and_drops_spent_deletes(opened: store.Store) -> None:
    table, base = first(opened)
    table.set_deletes({base: np.array([1])})
    commit(opened, 2)
    table.replace([base], table.read(base, ["id", "name", "amount"]).filter(_without(10, 1)))
    commit(opened, 3)
    found = summary(table)
    assert (found["operation"], found["total-records"]) == ("replace", "9")
    assert (found["removed-delete-files"], found["total-delete-files"]) == ("1", "0")
    assert table.delete_files == {}


def _without(count: int, row: int) -> pa.Array:
    return pa.array(np.arange(count) != row)


def test_small_delete_files_become_one(opened: store.Store) -> None:
    table, base = first(opened)
    for at in range(5):
        table.set_deletes({base: np.array([at])})
        commit(opened, 2 + at)
    assert len(table.delete_files) == 1
    assert table.read_deletes()[base].tolist() == [0, 1, 2, 3, 4]
    assert summary(table)["total-position-deletes"] == "5"


def test_set_deletes_adds_to_what_is_staged(opened: store.Store) -> None:
    table, base = first(opened)
    table.set_deletes({base: np.array([5])})
    table.set_deletes({base: np.array([2]), 999: np.array([], np.int64)})
    commit(opened, 2)
    assert {n: r.tolist() for n, r in table.read_deletes().items()} == {base: [2, 5]}


def test_all_deletes_take_the_place_of_every_delete_file(opened: store.Store) -> None:
    table, base = first(opened)
    table.set_deletes({base: np.array([1])})
    commit(opened, 2)
    table.set_deletes({base: np.array([2])})
    table.replace([], [], {base: np.array([1, 2])})
    table.set_deletes({base: np.array([7])})
    commit(opened, 3)
    assert table.read_deletes()[base].tolist() == [1, 2, 7]
    assert summary(table)["total-position-deletes"] == "3"


def test_deletes_of_a_file_of_the_same_commit_apply(opened: store.Store) -> None:
    table, _ = first(opened)
    file = table.add_rows(lakes.rows([50, 51]))
    table.set_deletes({file.number: np.array([0])})
    commit(opened, 2)
    ids = [r[0] for r in lakes.by_duckdb(table.point.metadata)]
    assert sorted(map(str, ids)) == sorted(map(str, [*range(10), 51]))


def test_one_manifest_of_each_kind_however_many_commits(opened: store.Store) -> None:
    table, base = first(opened, 1000)
    for n in range(30):
        table.set_deletes({base: np.array([n])})
        table.add_rows(lakes.rows([n]))
        commit(opened, 2 + n)
    assert (len(table.state.data), len(table.state.deletes)) == (1, 1)


def test_full_manifests_stay_until_a_file_of_theirs_goes(opened: store.Store) -> None:
    table = opened.create("bank.a", lakes.USERS, lakes.PLAIN, {})
    numbers = [table.add_rows(lakes.rows([n])).number for n in range(100)]
    commit(opened, 1)
    full = table.state.data[0]
    table.add_rows(lakes.rows([200]))
    commit(opened, 2)
    assert table.state.data[0] is full
    assert len(table.state.data) == 2
    table.replace(numbers[:50], lakes.rows(range(50)))
    commit(opened, 3)
    assert len(table.state.data) == 1
    assert len(lakes.by_duckdb(table.point.metadata)) == 101


def test_written_but_not_staged_is_not_there(opened: store.Store) -> None:
    table, base = first(opened)
    file = table.write(iter([lakes.rows([1]), lakes.rows([2, 3])]))
    assert set(table.data_files) == {base}
    table.replace([], [file])
    assert table.read(file.number, ["id"]).column("id").to_pylist() == [1, 2, 3]
    assert [len(p) for p in table.read_parts(file.number, ["id"])] == [1, 2]


def test_some_rows_of_a_file(opened: store.Store) -> None:
    table = opened.create(
        "bank.a", lakes.USERS, lakes.PLAIN, {"write.parquet.row-group-limit": "1"}
    )
    file = table.add_rows(lakes.rows(range(350)))
    assert len(list(table.read_parts(file.number, ["id"]))) == 4
    found = table.take(file.number, np.array([0, 99, 100, 349]), ["name", "id"])
    assert found.column("id").to_pylist() == [0, 99, 100, 349]
    assert table.take(file.number, np.array([], np.int64), ["id"]).num_rows == 0


def test_rows_of_two_partitions_are_refused(opened: store.Store) -> None:
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "name"), spec_id=0)
    table = opened.create("raw_data.a", lakes.USERS, spec, {})
    with pytest.raises(errors.Bug, match=r"lake\.mixed_partition"):
        table.add_rows(lakes.rows([1, 2]))
    with pytest.raises(errors.Bug, match=r"lake\.partitioned_deletes"):
        table.set_deletes({0: np.array([1])})


def test_only_identity_partitions_are_written(opened: store.Store) -> None:
    spec = PartitionSpec(PartitionField(1, 1000, BucketTransform(4), "b"), spec_id=0)
    with pytest.raises(errors.Bug, match=r"lake\.partition_transform"):
        opened.create("bank.a", lakes.USERS, spec, {})


def test_a_missing_required_column_is_an_error(opened: store.Store) -> None:
    table, _ = first(opened)
    with pytest.raises(pa.ArrowInvalid):
        table.add_rows(lakes.rows([1]).drop_columns(["id"]))
