"""One event on its way into a topic, and the number that its ledger adds up.

The number is computed alike by Python, PostgreSQL and DuckDB: the first 15 hexadecimal digits of
the MD5 of the value's UTF-8. It guards against loss and mix-ups, not against an attacker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

DIGITS = 15


@dataclass(frozen=True, slots=True)
class Record:
    """``value`` is meant to be JSON; a topic takes any text, and judging it is a later stage's."""

    key: str | None
    value: str


def clean(text: str) -> str:
    """Text that PostgreSQL stores: NUL and lone surrogates become U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def number(value: str) -> int:
    """What one value adds to its producer's ledger."""
    digest = hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:DIGITS], 16)


def checksum(records: Iterable[Record]) -> int:
    """What a batch adds to its producer's ledger."""
    return sum(number(record.value) for record in records)
