"""Which files are rewritten, what the rewriting makes, and the thread it runs in."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from tidewright.pipelines.lake import compaction
from tidewright.testing import lake

# Full at 1,000 rows or 1,000 bytes; small below 10, 100 and 500; four of a tier become one.
POLICY = compaction.Policy(1000, 1000, (0.01, 0.1, 0.5), 4, 1.5, 0.1, 8)
SCHEMA = Schema(NestedField(1, "id", LongType(), required=True))


def seen(*files: tuple[int, int, int] | tuple[int, int, int, int]) -> list[compaction.Seen]:
    """(number, rows, dead) with tiny bytes, or (number, rows, dead, bytes)."""
    return [compaction.Seen(f[0], f[1], f[2], f[3] if len(f) > 3 else 1) for f in files]


# -- choose ---------------------------------------------------------------------------------


def test_few_and_full_files_are_left_alone() -> None:
    files = seen((1, 5, 0), (2, 5, 0), (3, 5, 0), (4, 50, 0), (5, 900, 50), (6, 900, 0))
    assert compaction.choose(files, POLICY) == ()


def test_a_crowded_tier_becomes_one_file_oldest_first() -> None:
    files = seen((9, 5, 0), (2, 50, 0), (7, 5, 0), (8, 5, 0), (1, 5, 0))
    assert compaction.choose(files, POLICY) == (9, 7, 8, 1)


def test_the_lowest_crowded_tier_goes_first() -> None:
    files = seen(*[(n, 50, 0) for n in range(4)], *[(n, 5, 0) for n in range(10, 14)])
    assert compaction.choose(files, POLICY) == (10, 11, 12, 13)


def test_a_merge_is_bounded() -> None:
    files = seen(*[(n, 400, 0) for n in range(6)])
    assert compaction.choose(files, POLICY) == (0, 1, 2)


def test_bytes_count_as_well_as_rows() -> None:
    files = seen(*[(n, 5, 0, 900) for n in range(4)], *[(n, 5, 0) for n in range(10, 13)])
    assert compaction.choose(files, POLICY) == ()


def test_a_file_shrinks_with_its_dead_rows() -> None:
    files = seen((0, 90, 85), *[(n, 5, 0) for n in range(1, 4)])
    assert compaction.choose(files, POLICY) == (0, 1, 2, 3)


def test_the_file_with_most_dead_rows_is_rewritten_by_itself() -> None:
    files = seen((1, 900, 100), (2, 2000, 250), (3, 3000, 260), (4, 50, 40))
    assert compaction.choose(files, POLICY) == (2,)


def test_a_file_that_is_almost_all_dead_is_rewritten_too() -> None:
    assert compaction.choose(seen((1, 900, 899)), POLICY) == (1,)


def test_merging_and_rewriting_take_turns() -> None:
    files = seen((1, 900, 500), *[(n, 5, 0) for n in range(10, 14)])
    assert compaction.choose(files, POLICY) == (1,)
    assert compaction.choose(files, POLICY, after_single=True) == (10, 11, 12, 13)


def test_files_without_a_living_row_always_go_along() -> None:
    dead = seen((3, 5, 5), (4, 900, 900))
    assert compaction.choose(dead, POLICY) == (3, 4)
    assert compaction.choose([*dead, *seen((1, 900, 500))], POLICY) == (3, 4, 1)


def test_raw_rows_never_die_and_raw_files_are_merged_by_bytes_alone() -> None:
    files = [compaction.Seen(n, 10_000_000, 0, 20_000) for n in range(16)]
    assert len(compaction.choose(files, compaction.RAW)) == 16
    files = [compaction.Seen(n, 10, 0, 100 << 20) for n in range(99)]
    assert compaction.choose(files, compaction.RAW) == ()


# -- rewrite --------------------------------------------------------------------------------


def table_of(*files: int) -> lake.FakeTable:
    """A table whose files have so many rows, numbered through."""
    table, first = lake.FakeTable(SCHEMA, part_rows=3), 0
    for rows in files:
        table.add_rows(pa.table({"id": range(first, first + rows)}))
        first += rows
    return table


def living(*text: str) -> dict[int, np.ndarray]:
    return {n: np.array([c == "+" for c in one]) for n, one in enumerate(text)}


def test_living_rows_become_one_file_in_order_and_every_row_is_told_where_it_went() -> None:
    table = table_of(5, 4)
    done = compaction.rewrite(table, living("+-+-+", "-++-"))
    assert done.file is not None
    assert done.file.rows == 5
    assert done.file.number not in table.data_files
    assert done.rows[0][[0, 2, 4]].tolist() == [0, 1, 2]
    assert done.rows[1][[1, 2]].tolist() == [3, 4]
    table.replace((0, 1), [done.file])
    assert table.read(done.file.number, ["id"])["id"].to_pylist() == [0, 2, 4, 6, 7]


def test_files_without_living_rows_become_none() -> None:
    assert compaction.rewrite(table_of(2, 1), living("--", "-")).file is None


def test_small_parts_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "_PART_ROWS", 5)
    table, sizes = table_of(7, 2, 4), []

    def write(parts: object) -> None:
        sizes.extend(part.num_rows for part in parts)  # type: ignore[attr-defined]

    table.write = write  # type: ignore[assignment,method-assign]  # only the parts matter here
    compaction.rewrite(table, living("+++++++", "++", "++++"))
    assert sizes == [6, 6, 1]


# -- the thread -----------------------------------------------------------------------------


def test_only_one_work_runs_at_a_time() -> None:
    background, gate = compaction.Background(), threading.Event()
    table = table_of(1)
    first = background.start(table, [0], lambda: gate.wait(10))
    assert first is not None
    assert background.start(table, [0], lambda: True) is None
    assert not first.job.done
    gate.set()
    while not first.job.done:
        pass
    assert first.job.result() is True
    assert background.start(table, [0], lambda: True) is not None


def test_a_failure_waits_for_whoever_asks_for_the_result() -> None:
    hand = lake.ByHand()
    started = hand.start(table_of(1), [0], lambda: 1 // 0)
    assert started is not None
    assert hand.run()
    assert started.job.done
    with pytest.raises(ZeroDivisionError):
        started.job.result()


def test_work_holds_only_while_its_files_are_live() -> None:
    table, hand = table_of(1, 1), lake.ByHand()
    started = hand.start(table, [0], lambda: None)
    assert started is not None
    table.remove([1])
    assert started.still_holds(table)
    table.remove([0])
    assert not started.still_holds(table)
