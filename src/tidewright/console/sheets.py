"""A result as CSV that a spreadsheet cannot take for a formula."""

from __future__ import annotations

import csv
import io

from tidewright.model import views

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(answer: views.Answer) -> str:
    """RFC 4180 with a header line; a null is an empty field."""
    out = io.StringIO()
    writer = csv.writer(out)
    kinds = [column.kind for column in answer.columns]
    writer.writerow([harmless(column.name) for column in answer.columns])
    for row in answer.rows:
        writer.writerow(
            [
                "" if v is None else v if k == "number" else harmless(v)
                for v, k in zip(row, kinds, strict=True)
            ]
        )
    return out.getvalue()


def harmless(text: str) -> str:
    """Text that would start a formula gets a quote in front, which spreadsheets take as "text"."""
    return f"'{text}" if text.startswith(_FORMULA) else text
