"""Lines and bars."""

from __future__ import annotations

import pytest

from tidewright.console import drawings
from tidewright.model import views

DAYS = views.Column("day", "time")
NAMES = views.Column("name", "text")
TOTAL = views.Column("total", "number")


def chart(column: views.Column, *rows: tuple[str | None, str | None]) -> drawings.Chart | None:
    return drawings.chart(views.Answer((column, TOTAL), rows))


def test_the_highest_value_is_at_the_top() -> None:
    found = drawings.line([0, 10, 5], width=100, height=24)
    assert found and found.path == "M0.0,22.0 L50.0,2.0 L100.0,12.0"


@pytest.mark.parametrize("values", [[], [3.0]])
def test_less_than_two_values_are_no_line(values: list[float]) -> None:
    assert drawings.line(values) is None


def test_a_constant_is_a_level_line() -> None:
    found = drawings.line([7, 7, 7], width=10, height=20)
    assert found and found.path == "M0.0,10.0 L5.0,10.0 L10.0,10.0"


def test_dates_make_a_line_and_names_make_bars() -> None:
    line = chart(DAYS, ("2026-01-01", "1"), ("2026-01-02", "3"))
    bars = chart(NAMES, ("a", "10"), ("b", "5"))
    assert isinstance(line, drawings.LineChart) and (line.first, line.newest) == ("2026-01-01", "3")
    assert isinstance(bars, drawings.BarChart)
    assert [bar.width for bar in bars.bars] == [130.0, 65.0]


@pytest.mark.parametrize("value", [None, "NaN", "Infinity", "x"])
def test_what_is_no_number_is_left_out(value: str | None) -> None:
    assert chart(NAMES, ("a", value)) is None
    found = chart(NAMES, ("a", value), ("b", "-2"))
    assert isinstance(found, drawings.BarChart) and [b.label for b in found.bars] == ["b"]


def test_a_long_name_is_cut_and_kept_for_the_pointer() -> None:
    found = chart(NAMES, ("x" * 40, "1"))
    assert isinstance(found, drawings.BarChart)
    assert (len(found.bars[0].label), len(found.bars[0].full)) == (16, 40)
