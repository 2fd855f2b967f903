from __future__ import annotations

import pytest

from tidewright.pipelines.decode import window

M = window.Mark


@pytest.mark.parametrize(
    ("read", "complete", "expected"),
    [
        (M(9, 1, 0, 50), M(9, 1, 0, 50), None),
        (M(10, 1, 0, 50), M(8, 1, 0, 40), M(8, 1, 0, 40)),
        (M(10, 0, 0, 50), M(), M(10, 0, 0, 50)),
        (M(1, 0, 0, 100), M(), M(1, 0, 0, 100)),
        (M(0, 0, 0, 100), M(), None),
        (M(10, 0, 1, 50), M(0, 0, 1, 30), M(0, 0, 1, 30)),
    ],
)
def test_a_cut_prefers_whole_transactions(read, complete, expected):
    assert window.cut(read, complete, min_changes=10, max_bytes=100) == expected
