"""One SELECT in a text, ready to be wrapped: without comments after it and without its semicolon.

Trino takes one statement and no semicolon, and cannot be asked how many there are. Pure.
"""

from __future__ import annotations

import re

# What a semicolon or a parenthesis may stand in without meaning anything, and the two themselves.
_TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[();]", re.DOTALL)
_COMMENTS = re.compile(r"(?:\s|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_BEGINS = re.compile(r"(?:select|with|values|table)\b|\(", re.IGNORECASE)


class NotOne(ValueError):
    """The text is not one SELECT."""


def only(text: str) -> str:
    """The SELECT as it is written, up to its semicolon; lines keep their numbers. Raises NotOne."""
    depth, end = 0, len(text)
    for found in _TOKEN.finditer(text):
        depth += {"(": 1, ")": -1}.get(found.group(), 0)
        if depth < 0:
            raise NotOne  # it would close the parenthesis around it
        if found.group() == ";":
            end = found.start()
            break
    begins = _COMMENTS.match(text)
    start = begins.end() if begins else 0
    rest = text[end + 1 :]
    if depth or not _COMMENTS.fullmatch(rest) or not _BEGINS.match(text, start):
        raise NotOne
    return text[:end]
