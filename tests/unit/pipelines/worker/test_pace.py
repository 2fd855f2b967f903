"""Commits come as asked until metadata work would take more than a quarter of a core."""

from __future__ import annotations

from tidewright.pipelines.worker import pace


def test_cheap_commits_come_as_asked() -> None:
    assert pace.interval(0.4, 0.02) == 0.4


def test_dear_commits_stretch_the_interval() -> None:
    assert pace.interval(0.4, 0.25) == 1.0


def test_it_never_stretches_without_end() -> None:
    assert pace.interval(0.4, 60.0) == pace.LONGEST
