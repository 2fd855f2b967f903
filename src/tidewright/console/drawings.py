"""Small charts as numbers: points and bars in a box, which the templates print as SVG.

No text is measured: labels are cut by count of characters. Nothing here knows colours.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tidewright.console import figures
from tidewright.model import views

WIDTH, HEIGHT = 320, 132
LINE_WIDTH, LINE_HEIGHT = 150, 32
_LABEL_CHARS = 16


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline and the area below it, as SVG path data."""

    path: str
    area: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar with its label and value."""

    label: str
    full: str
    value: str
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class LineChart:
    """Values over time, with the ends of both axes."""

    title: str
    line: Line
    first: str
    last: str
    highest: str
    newest: str
    kind: Literal["line"] = "line"


@dataclass(frozen=True, slots=True)
class BarChart:
    """The largest values by name."""

    title: str
    bars: tuple[Bar, ...]
    kind: Literal["bars"] = "bars"


Chart: TypeAlias = LineChart | BarChart


def line(
    values: Sequence[float], width: float = LINE_WIDTH, height: float = LINE_HEIGHT
) -> Line | None:
    """A line through ``values`` from left to right; None for fewer than two."""
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = width / (len(values) - 1)
    inner = height - 4
    points = [
        f"{i * step:.1f},{2 + inner * (1 - (value - low) / span) if high > low else height / 2:.1f}"
        for i, value in enumerate(values)
    ]
    path = "M" + " L".join(points)
    return Line(path, f"{path} L{width:.1f},{height:.1f} L0,{height:.1f} Z")


def chart(answer: views.Answer, title: str = "") -> Chart | None:
    """The chart of a label column and a number column; None when no row can be drawn."""
    rows = [(label, _number(value)) for label, value in answer.rows if label is not None]
    if answer.columns[0].kind == "time":
        # A time of day to the minute is enough to tell one point from the next.
        rows = [(label[:_LABEL_CHARS], value) for label, value in rows]
    known = [(label, value) for label, value in rows if value is not None]
    if not known:
        return None
    title = title or f"{answer.columns[1].name} by {answer.columns[0].name}"
    if answer.columns[0].kind == "time" and len(known) > 1:
        return _line_chart(title, known)
    return _bar_chart(title, known)


def _line_chart(title: str, rows: Sequence[tuple[str, float]]) -> LineChart | None:
    values = [value for _, value in rows]
    drawn = line(values, WIDTH, 88)
    if drawn is None:
        return None
    return LineChart(
        title,
        drawn,
        first=rows[0][0][:_LABEL_CHARS],
        last=rows[-1][0][:_LABEL_CHARS],
        highest=figures.count(max(values)),
        newest=figures.count(values[-1]),
    )


def _bar_chart(title: str, rows: Sequence[tuple[str, float]]) -> BarChart:
    largest = max(abs(value) for _, value in rows) or 1.0
    shown = itertools.islice(rows, 6)
    return BarChart(
        title,
        tuple(
            Bar(_cut(label), label, figures.count(value), 21.0 * i, 130 * abs(value) / largest)
            for i, (label, value) in enumerate(shown)
        ),
    )


def _cut(label: str) -> str:
    return label if len(label) <= _LABEL_CHARS else label[: _LABEL_CHARS - 1] + "…"


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text is not None else None
    except ValueError:
        return None
    return found if found is not None and abs(found) != float("inf") and found == found else None
