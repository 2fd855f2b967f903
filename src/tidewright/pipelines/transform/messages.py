"""What dbt, DuckDB and Trino say, as findings: one place, one sentence or two, what to do. Pure."""

from __future__ import annotations

import re

from tidewright import errors

_HEADING = re.compile(r"^[A-Z]\w+ Error(?: in \w+ [\w.-]+)?(?: \(([^)]+)\))?\s*")
_FILE = re.compile(r"\(([\w./-]+\.(?:sql|ya?ml|py))\)|Error reading [\w-]+: ([\w./-]+\.ya?ml)")
_LINE = re.compile(r"(?:^|near )\s*line (\d+)", re.MULTILINE | re.IGNORECASE)
_SQL_LINE = re.compile(r"^\s*LINE (\d+): ?(.*)$", re.MULTILINE)
# Trino's errors as its Python client prints them, and the place that its parser names.
_TRINO = re.compile(
    r"Trino\w+\(type=\w+, name=\w+, message=(['\"])(.*?)\1, query_id=\w+\)", re.DOTALL
)
_PLACE = re.compile(r"\bline (\d+):(\d+): ")
_NAMED = re.compile(r"'([^']+)'")
HINT = "Correct the file; the marts stay as last published until it works."


def of_dbt(text: str, code: str, fallback: str) -> errors.Finding:
    """What dbt says of a project that it cannot read."""
    found = _FILE.search(text)
    name = next((g for g in found.groups() if g), fallback) if found else fallback
    line = _LINE.search(text)
    where = errors.Where(name, int(line.group(1)) if line else None)
    return errors.Finding(code, sentence(text), where, HINT)


def of_query(text: str, code: str, file: str, source: str) -> errors.Finding:
    """What an engine says of a statement; ``source`` is the SQL that the user's file became."""
    line = _line_in(text, source) or _line_of_trino(text, source)
    return errors.Finding(code, sentence(text), errors.Where(file, line), HINT)


def has_place(text: str) -> bool:
    """Whether an engine says where in a statement it stumbled."""
    return "LINE " in text or _PLACE.search(text) is not None


def sentence(text: str) -> str:
    """The lines that say what is wrong, without headings, excerpts and markers."""
    body = _HEADING.sub("", text.strip())
    trino = _TRINO.search(body)
    body = _PLACE.sub("", trino.group(2) if trino else body, count=1)
    lines = [line.strip() for line in body.splitlines()]
    kept: list[str] = []
    for line in lines:
        if line.startswith(("LINE ", "Raw Error", "---", "^")) or (kept and not line):
            break
        if line and not re.match(r"line \d+$", line):
            kept.append(line)
    return " ".join(kept) or text.strip()


def _line_in(text: str, source: str) -> int | None:
    """The line of ``source`` that DuckDB quotes; it counts lines of what we wrapped around it."""
    found = _SQL_LINE.search(text)
    if found is None:
        return None
    quoted = found.group(2).strip().strip(".").strip()[:40]
    for number, line in enumerate(source.splitlines(), start=1):
        if quoted and quoted in line:
            return number
    return None


def _line_of_trino(text: str, source: str) -> int | None:
    """The line of ``source`` that has what Trino names, at its column where there are several.

    Trino counts the lines of what dbt wrapped around, and quotes none.
    """
    place, named = _PLACE.search(text), _NAMED.search(text)
    if place is None or named is None:
        return None
    name = named.group(1).rpartition(".")[2].lower()
    lines = source.lower().splitlines()
    having = [n for n, line in enumerate(lines, start=1) if name in line]
    column = int(place.group(2)) - 1
    there = [n for n in having if name in lines[n - 1][column : column + len(named.group(1))]]
    return next(iter(there or having), None)
