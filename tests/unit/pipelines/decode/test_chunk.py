from __future__ import annotations

import numpy as np

from tidewright.pipelines.decode import chunk


def test_rows_are_chosen_with_all_that_belongs_to_them(make):
    made = make({"k": (25, ["a", "b", "c"])}, "cud")
    made.unchanged = {0: np.array([False, True, False])}
    left = made.where(np.array([True, False, True]))
    assert left.columns[0].to_pylist() == ["a", "c"]
    assert (left.seq.tolist(), left.op.tobytes(), left.unchanged) == ([1, 3], b"cd", {})
    assert made.slice(1, 3).unchanged[0].tolist() == [True, False]
    assert made.slice(1, 3).columns[0].to_pylist() == ["b", "c"]


def test_a_position_includes_what_commits_before_it(make):
    made = make({"k": (25, ["a", "b", "c"])})  # commits at 100, 200 and 300
    pulses = tuple(chunk.Pulse("p", b"", n, n, True) for n in (100, 200))
    ends = np.array([100, 200, 300])
    whole = chunk.Chunk((made,), ends, ends + 10, ends, pulses, 3, False)
    left = whole.before(200)
    assert left.parts[0].columns[0].to_pylist() == ["a"]
    assert (left.end_lsn.tolist(), left.changes, len(left.pulses)) == ([110], 1, 1)
    assert whole.before(100).parts == ()
    assert whole.before(301).parts[0] is made
