"""Quantities: what each family takes, and what it says of the rest."""

from __future__ import annotations

import pytest

from tidewright.kit import quantity


@pytest.mark.parametrize(
    ("text", "family", "value"),
    [
        ("30s", quantity.DURATION, 30.0),
        ("500ms", quantity.DURATION, 0.5),
        ("1.5h", quantity.DURATION, 5400.0),
        ("99.9%", quantity.SHARE, 0.999),
        ("10TB", quantity.SIZE, 1e13),
        ("1 KiB", quantity.SIZE, 1024.0),
        ("100k/s", quantity.RATE, 1e5),
        ("6/m", quantity.RATE, 0.1),
        (1000, quantity.RATE, 1000.0),
        ("10k", quantity.COUNT, 1e4),
    ],
)
def test_reads_each_family(text: object, family: quantity.Family, value: float) -> None:
    assert quantity.parse(text, family) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "family", "says"),
    [
        ("30GB", quantity.DURATION, "is a size; a duration is needed"),
        (30, quantity.DURATION, "has no unit"),
        ("30x", quantity.DURATION, "'x' is no unit of a duration"),
        ("-3s", quantity.DURATION, "is not a duration"),
        (True, quantity.RATE, "is not a rate"),
        (None, quantity.SIZE, "is not a size"),
        ("9" * 30 + "s", quantity.DURATION, "too large"),
        ("1e3s", quantity.DURATION, "is not a duration"),
    ],
)
def test_says_what_a_wrong_one_is(text: object, family: quantity.Family, says: str) -> None:
    with pytest.raises(quantity.NotAQuantity, match=says) as caught:
        quantity.parse(text, family)
    assert family.examples in caught.value.hint
