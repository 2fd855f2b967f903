import os
import time

import deltalake
import duckdb
import pyarrow as pa
import pytest

from tidewright import errors
from tidewright.pipelines.delta import care, table

SHAPE = table.Shape(
    "shop.visits",
    pa.schema([("id", pa.int64()), ("at", pa.timestamp("us", "UTC")), ("state", pa.string())]),
    "state",
)


def rows(*numbers: int) -> pa.Table:
    return pa.table({"id": numbers, "at": numbers}, schema=SHAPE.stored)


@pytest.fixture
def opened(tmp_path):
    return table.open_table(tmp_path, SHAPE, "sessions", "source-1")


def ids(root) -> list[int]:
    return sorted(deltalake.DeltaTable(root).to_pyarrow_table().column("id").to_pylist())


def test_rows_and_position_come_together(opened, tmp_path):
    assert opened.position == 0
    opened.commit(table.Commit(7, [("open", rows(1)), ("closed", rows(2, 3))], marks={"seen": 70}))
    again = table.open_table(tmp_path, SHAPE, "sessions", "source-1")
    assert (again.position, again.mark("seen"), again.mark("other")) == (7, 70, None)
    assert ids(opened.root) == [1, 2, 3]


def test_a_partition_is_replaced_in_one_commit(opened):
    opened.commit(table.Commit(1, [("open", rows(1)), ("closed", rows(2))]))
    opened.commit(table.Commit(2, [("open", rows(3)), ("closed", rows(4))], replaced=("open",)))
    assert opened.rows("open").column("id").to_pylist() == [3]
    assert ids(opened.root) == [2, 3, 4]


def test_other_readers_read_it(opened):
    opened.commit(table.Commit(1, [("open", rows(1)), ("closed", rows(2, 3))]))
    found = deltalake.DeltaTable(opened.root)
    assert found.count() == 3
    names = [str(opened.root / name) for name in opened.live()]
    assert duckdb.sql(f"select count(*) from read_parquet({names})").fetchone() == (3,)


def test_a_second_writer_is_refused_and_leaves_no_row(opened, tmp_path):
    opened.commit(table.Commit(1, [("open", rows(1))]))
    stale = table.open_table(tmp_path, SHAPE, "sessions", "source-1")
    opened.commit(table.Commit(2, [("open", rows(2))]))
    with pytest.raises(errors.Refused, match=r"lake\.delta_other_writer"):
        stale.commit(table.Commit(3, [("open", rows(99))]))
    assert ids(opened.root) == [1, 2]


def test_another_source_is_refused(opened, tmp_path):
    opened.commit(table.Commit(1, [("open", rows(1))]))
    with pytest.raises(errors.Refused, match=r"lake\.delta_other_source"):
        table.open_table(tmp_path, SHAPE, "sessions", "source-2")


def test_a_disk_that_refuses_leaves_the_table_as_it_was(opened, monkeypatch):
    opened.commit(table.Commit(1, [("open", rows(1))]))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(table.files.pq, "write_table", full)
        with pytest.raises(errors.Transient, match=r"lake\.delta_not_written"):
            opened.commit(table.Commit(2, [("open", rows(2))]))
    assert opened.position == 1
    opened.commit(table.Commit(2, [("open", rows(2))]))
    assert ids(opened.root) == [1, 2]


def test_merging_changes_no_row_and_keeps_the_position(opened, tmp_path):
    for n in range(1, 6):
        opened.commit(table.Commit(n, [("closed", rows(n))]))
    opened.merge_small("closed", care.LARGE)
    assert len(opened.live()) == 1
    assert table.open_table(tmp_path, SHAPE, "sessions", "source-1").position == 5
    assert ids(opened.root) == [1, 2, 3, 4, 5]
    opened.commit(table.Commit(6, [("closed", rows(6))]))
    assert ids(opened.root) == [1, 2, 3, 4, 5, 6]


def test_sweeping_spares_what_lives_and_what_left_the_table_a_moment_ago(opened):
    opened.commit(table.Commit(1, [("open", rows(1))]))
    (old,) = opened.live()
    past = time.time() - 10 * care.GRACE
    os.utime(opened.root / old, (past, past))
    sweeper = care.Care(opened, ())
    assert sweeper.sweep(0.0) == 0
    opened.commit(table.Commit(2, [("open", rows(2))], replaced=("open",)))
    assert sweeper.sweep(2 * care.GRACE) == 0
    assert sweeper.sweep(3 * care.GRACE) == 0
    assert sweeper.sweep(3 * care.GRACE + 1) == 1
    assert not (opened.root / old).exists()
    assert ids(opened.root) == [2]


def test_partitions_are_told_apart():
    given = pa.table({"day": ["b", "a", "b"], "n": [1, 2, 3]})
    found = {value: part.to_pydict() for value, part in table.partitions(given, "day")}
    assert found == {"a": {"n": [2]}, "b": {"n": [1, 3]}}


def test_a_restored_topic_goes_on_under_a_new_name(opened, tmp_path):
    opened.commit(table.Commit(7, [("open", rows(1))], marks={"seen": 70}))
    table.succeed(opened.root, "somebody else's", "source-2")
    table.open_table(tmp_path, SHAPE, "sessions", "source-1")
    table.succeed(opened.root, "source-1", "source-2")
    again = table.open_table(tmp_path, SHAPE, "sessions", "source-2")
    assert (again.position, again.mark("seen"), ids(again.root)) == (7, 70, [1])
    with pytest.raises(errors.Refused, match=r"lake\.delta_other_source"):
        table.open_table(tmp_path, SHAPE, "sessions", "source-1")
