"""CSV that no spreadsheet runs."""

from __future__ import annotations

import pytest

from tidewright.console import sheets
from tidewright.model import views


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_formula_becomes_text(text: str) -> None:
    assert sheets.harmless(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=1", "7", "Ünal"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert sheets.harmless(text) == text


def test_headers_are_made_harmless_and_numbers_are_not_touched() -> None:
    columns = (views.Column("=x", "text"), views.Column("n", "number"))
    found = sheets.csv_text(views.Answer(columns, (('say "hi"', "-3"), (None, None))))
    assert found == '\'=x,n\r\n"say ""hi""",-3\r\n,\r\n'
