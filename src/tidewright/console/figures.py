"""Figures as a person reads them: short, with a unit, the same everywhere on the page."""

from __future__ import annotations

import datetime

NONE = "–"
_COUNTS = ((1e9, "B"), (1e6, "M"), (1e4, "k"))
_SIZES = ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


def count(value: float | None) -> str:
    """``12,345`` up to five digits, then ``1.24 M``."""
    if value is None:
        return NONE
    if abs(value) < 100_000:
        return f"{value:,.0f}"
    size, unit = next((s, u) for s, u in _COUNTS if abs(value) >= s)
    return f"{_short(value / (1e3 if unit == 'k' else size))} {unit}"


def _short(number: float) -> str:
    """Three digits that mean something, and never an exponent."""
    return f"{number:,.{2 if abs(number) < 10 else 1 if abs(number) < 100 else 0}f}"


def rate(value: float | None) -> str:
    """Changes per second."""
    if value is None:
        return NONE
    return f"{value:.1f}/s" if 0 < value < 10 else f"{count(value)}/s"


def size(value: int | None) -> str:
    """Bytes with a binary unit."""
    if value is None:
        return NONE
    for unit, name in _SIZES:
        if value >= unit:
            return f"{_short(value / unit)} {name}"
    return f"{value} B"


def delay(milliseconds: float | None) -> str:
    """A duration of milliseconds to minutes: ``480 ms``, ``1.6 s``, ``3 min``."""
    if milliseconds is None:
        return NONE
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{_short(seconds)} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def age(now_ms: int, then_ms: int | None) -> str:
    """How long ago, coarsely, so that the text does not change each moment."""
    if then_ms is None:
        return "never"
    seconds = max(0, now_ms - then_ms) / 1000
    for limit, divisor, unit in ((2, 1, ""), (120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit} ago" if unit else "now"
    return f"{seconds / 86400:.0f} days ago"


def clock(milliseconds: int | None) -> str:
    """The UTC time of day."""
    if milliseconds is None:
        return NONE
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return moment.strftime("%H:%M:%S")
