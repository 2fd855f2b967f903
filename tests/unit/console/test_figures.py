"""Figures as a person reads them."""

from __future__ import annotations

import pytest

from tidewright.console import figures


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (12_345, "12,345"), (184_200, "184 k"), (1_240_000, "1.24 M"),
     (-5, "-5"), (2.5e9, "2.50 B"), (4e13, "40,000 B"), (999_900, "1,000 k")],
)  # fmt: skip
def test_count(value: float | None, text: str) -> None:
    assert figures.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0/s"), (0.26, "0.3/s"), (1000.4, "1,000/s")]
)
def test_rate(value: float | None, text: str) -> None:
    assert figures.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (10, "10 B"), (18_432, "18.0 kB"), (4 << 30, "4.00 GB")]
)
def test_size(value: int | None, text: str) -> None:
    assert figures.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (480.4, "480 ms"), (1_600, "1.60 s"), (600_000, "10 min")]
)
def test_delay(value: float | None, text: str) -> None:
    assert figures.delay(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (-3, "now"), (40, "40 s ago"), (600, "10 min ago"), (90_000, "25 h ago"),
     (864_000, "10 days ago")],
)  # fmt: skip
def test_age(seconds: int, text: str) -> None:
    assert figures.age(1_000_000_000, 1_000_000_000 - seconds * 1000) == text
    assert figures.age(0, None) == "never"


def test_clock_is_utc() -> None:
    assert figures.clock(1_700_000_000_000) == "22:13:20"
