"""Delays of the last minute, weighted by transactions."""

from __future__ import annotations

import numpy as np

from tidewright.pipelines.worker import freshness


def test_percentiles() -> None:
    delays = freshness.Delays()
    delays.add(1000, np.arange(1, 101))
    found = delays.percentiles()
    assert found is not None
    assert (found.p50, found.p95) == (50.5, 95.0)


def test_old_samples_fall_out() -> None:
    delays = freshness.Delays()
    delays.add(0, np.array([9999.0]))
    delays.add(freshness.WINDOW_MS + 1, np.array([1.0]))
    found = delays.percentiles()
    assert found is not None
    assert found.p99 == 1.0


def test_nothing_seen_yet() -> None:
    assert freshness.Delays().percentiles() is None
