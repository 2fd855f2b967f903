"""Quantities with units: ``30s``, ``99.9%``, ``10TB``, ``100k/s``, each of one family.

``parse`` gives plain numbers: seconds, a fraction, bytes, events per second. A number without a
unit is taken only where the family has an obvious one; a wrong unit is named, never converted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of quantity: its units as factors, and examples for messages."""

    name: str
    units: Mapping[str, float]
    examples: str
    bare: bool = False


_THOUSANDS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_TIMES = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DECIMAL = {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}
_BINARY = {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40}

DURATION = Family("a duration", {"ms": 0.001, **_TIMES}, "500ms, 30s, 15m, 1h or 7d")
SHARE = Family("a share", {"%": 0.01}, "99.9%")
SIZE = Family("a size", {**_DECIMAL, **_BINARY}, "512MB, 10GB or 1.5TiB")
RATE = Family(
    "a rate",
    {f"{k}/{t}": f / s for k, f in _THOUSANDS.items() for t, s in _TIMES.items()},
    "1000, 100k/s or 5/m",
    bare=True,
)
COUNT = Family("a count", dict(_THOUSANDS), "1000 or 10k", bare=True)
FAMILIES = (DURATION, SHARE, SIZE, RATE, COUNT)

_SHAPE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%/]*)\s*")
_LARGEST = 1e18


class NotAQuantity(ValueError):
    """``what`` is true of the text; ``hint`` says what to write instead."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what}; {hint}")
        self.what = what
        self.hint = hint


def parse(value: object, family: Family) -> float:
    """``value`` in the family's plain unit. Raises NotAQuantity."""
    number, unit = _split(value, family)
    if unit == "" and family.bare:
        factor = 1.0
    elif unit in family.units:
        factor = family.units[unit]
    else:
        raise _wrong_unit(value, unit, family)
    result = number * factor
    if result > _LARGEST:
        raise NotAQuantity(f"{value!r} is too large", f"Write {family.examples}.")
    return result


def said(seconds: float) -> str:
    """Seconds as the file would write them: ``90s``, ``16m``, ``25h``, ``7d``."""
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    if seconds >= 3600:
        return f"{seconds / 3600:.1f}h"
    return f"{seconds:.0f}s"


def _split(value: object, family: Family) -> tuple[float, str]:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NotAQuantity(f"{value!r} is not {family.name}", f"Write {family.examples}.")
    shape = _SHAPE.fullmatch(str(value))
    if shape is None:
        raise NotAQuantity(f"{value!r} is not {family.name}", f"Write {family.examples}.")
    return float(shape[1]), shape[2]


def _wrong_unit(value: object, unit: str, family: Family) -> NotAQuantity:
    if unit == "":
        return NotAQuantity(f"{value!r} has no unit", f"Write {family.examples}.")
    for other in FAMILIES:
        if unit in other.units and other is not family:
            what = f"{value!r} is {other.name}; {family.name} is needed here"
            return NotAQuantity(what, f"Write {family.examples}.")
    return NotAQuantity(f"{unit!r} is no unit of {family.name}", f"Write {family.examples}.")
