"""Secrets out of what a connector says: its notes, its errors and what it prints. Not its records.

A connector gets its secrets in the clear, and an error of HTTP or SQL likes to repeat the address
that it was given. Whatever of it a person may read goes through here first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

from tidewright.pipelines.load import messages

SHOWN = "***"
SHORTEST = 4  # shorter ones are in every other word, and no secret


class Mask:
    """Replaces each of the values, also as an address or JSON would write it."""

    def __init__(self, values: Iterable[str]) -> None:
        parts = (part for value in values for part in _parts(value))
        written = {w for p in parts for w in _written(p) if len(w) >= SHORTEST}
        # Longer ones first: one secret may be a part of another.
        self._written = sorted(written, key=lambda w: (-len(w), w))

    def text(self, text: str) -> str:
        for value in self._written:
            text = text.replace(value, SHOWN)
        return text

    def line(self, line: bytes) -> bytes:
        """The same for what may be no text at all."""
        return self.text(line.decode(errors="replace")).encode()

    def message(self, message: messages.Message) -> messages.Message:
        """Records, states and totals are data, and pass as they are."""
        match message:
            case messages.Failed(_, text):
                return replace(message, message=self.text(text))
            case messages.Note(_, text):
                return replace(message, text=self.text(text))
            case _:
                return message


NOTHING = Mask(())


def _parts(value: str) -> Iterator[str]:
    """The value; of an address also its password and the values of its query, read and as written.

    A library that was given the whole address may name a part of it.
    """
    yield value
    try:
        address = urlsplit(value)
        password = address.password or ""
        query = [pair.partition("=")[2] for pair in address.query.split("&")]
    except ValueError:  # no address after all
        return
    if address.scheme and address.netloc:
        for part in (password, *query):
            yield from (part, unquote_plus(part), unquote(part))


def _written(value: str) -> tuple[str, ...]:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return value, quote(value, safe=""), quote(value), quote_plus(value), escaped, repr(value)[1:-1]
