"""Fault points: off unless asked for, and refused when misspelt."""

from __future__ import annotations

import pytest

from tidewright.pipelines.core import faults


def test_nothing_happens_without_the_variable() -> None:
    assert faults.from_environment({}) is faults.none


def test_an_unknown_point_is_refused() -> None:
    with pytest.raises(ValueError, match="the points are opened"):
        faults.from_environment({faults.VARIABLE: "sometimes"})


def test_there_are_twelve() -> None:
    assert len(faults.POINTS) == 12
