"""Positions as PostgreSQL prints them."""

from __future__ import annotations

import pytest

from tidewright.model import flow

IDENTITY = flow.Identity("7", 1, "bank")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0/0"), (23803720, "0/16B3748"), (2**32, "1/0"), (2**64 - 1, "FFFFFFFF/FFFFFFFF")],
)
def test_lsn_text_and_value_are_each_others_inverse(value: int, text: str) -> None:
    assert flow.lsn_text(value) == text
    assert flow.lsn_value(text) == value
    assert flow.Position("postgres", IDENTITY, value).text == text


@pytest.mark.parametrize("text", ["", "16B3748", "x/y", "0/"])
def test_what_is_no_lsn_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal"):
        flow.lsn_value(text)


def test_identity_names_everything_that_makes_a_position_comparable() -> None:
    assert str(IDENTITY) == "7/1/bank"
    assert flow.Identity("7", 2, "bank") != IDENTITY
