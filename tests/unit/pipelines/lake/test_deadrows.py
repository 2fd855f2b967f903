"""Dead rows per file."""

from __future__ import annotations

import numpy as np

from tidewright.pipelines.lake import deadrows, keyindex


def test_killed_rows_are_counted_listed_and_not_alive() -> None:
    dead = deadrows.DeadRows()
    dead.kill(7, 5, np.array([1, 4]))
    dead.kill(7, 5, np.array([2]))
    assert (dead.count(7), dead.count(8)) == (3, 0)
    assert dead.alive(7, 5).tolist() == [True, False, False, True, False]
    assert {f: rows.tolist() for f, rows in dead.every().items()} == {7: [1, 2, 4]}


def test_alive_is_a_copy() -> None:
    dead = deadrows.DeadRows()
    dead.kill(7, 3, np.array([0]))
    before = dead.alive(7, 3)
    dead.kill(7, 3, np.array([1]))
    assert before.tolist() == [False, True, True]


def test_a_file_that_is_gone_is_forgotten() -> None:
    dead = deadrows.DeadRows()
    dead.kill(7, 3, np.array([0]))
    dead.forget([7, 9])
    assert (dead.count(7), dict(dead.every())) == (0, {})


def test_places_are_grouped_by_file_and_sorted() -> None:
    places = np.concatenate([
        keyindex.places(5, np.array([9, 2])),
        keyindex.places(3, np.array([2**32 - 1])),
        keyindex.places(5, np.array([4])),
    ])  # fmt: skip
    groups = deadrows.by_file(places)
    assert {f: rows.tolist() for f, rows in groups.items()} == {3: [2**32 - 1], 5: [2, 4, 9]}
    assert deadrows.by_file(np.zeros(0, np.int64)) == {}
