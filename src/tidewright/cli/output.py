"""What a person or a pipe sees: data on stdout, everything else on stderr.

``emit`` prints an answer in the asked form, ``say`` a line of progress, ``ask`` a question.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import click

SCHEMA_VERSION = 1
_BARE = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
# Row content must not move the cursor or forge a line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for a person. Columns in ``right`` are aligned to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    right: frozenset[str] = frozenset()


def emit(data: Mapping[str, Any], form: str, table: Table | str | Iterable[Table | str]) -> None:
    """Print an answer: ``data`` as JSON or YAML, or ``table`` for a person."""
    body = {"schemaVersion": SCHEMA_VERSION, **plain(data)}
    if form == "json":
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    elif form == "yaml":
        click.echo("\n".join(_yaml(body, 0)))
    else:
        parts = [table] if isinstance(table, Table | str) else table
        click.echo("\n\n".join(p if isinstance(p, str) else text(p) for p in parts))


def plain(value: Any) -> Any:
    """Records as maps of their fields, tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return value


def exact(value: object) -> object:
    """A value of a row as JSON has it, where JSON says it exactly; anything else as text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case bytes():
            return value.hex()
        case _:
            return str(value)


def text(table: Table) -> str:
    """A table as aligned text."""
    cells = [list(map(_cell, row)) for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    aligned = [name in table.right for name in table.columns]
    return "\n".join(_line(row, widths, aligned) for row in cells)


def say(line: str) -> None:
    """A line of progress, for the person only."""
    click.echo(line, err=True)


def ask(question: str, *, yes: bool = False, interactive: bool = True) -> bool:
    """A yes or no. Without a terminal, or told not to ask, the answer is no."""
    if yes:
        return True
    if not interactive or not sys.stdin.isatty():
        return False
    return click.confirm(question, default=False, err=True)


def paint(words: str, colour: str) -> str:
    """Coloured on a terminal, unless NO_COLOR is set."""
    plain_text = "NO_COLOR" in os.environ or not sys.stderr.isatty()
    return words if plain_text else click.style(words, fg=colour)


def _cell(value: object) -> str:
    shown = "-" if value is None else str(value)
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", shown)


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    done = zip(row, widths, right, strict=True)
    return "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in done).rstrip()


def _yaml(value: Any, depth: int) -> list[str]:
    """Enough YAML for our own answers: block maps and lists, scalars as JSON where needed."""
    pad = "  " * depth
    lines = []
    items = value.items() if isinstance(value, dict) else ((None, v) for v in value)
    for key, item in items:
        head = f"{pad}-" if key is None else f"{pad}{_scalar(key)}:"
        if isinstance(item, dict | list) and item:
            lines += [head, *_yaml(item, depth + 1)]
        else:
            lines.append(f"{head} {_scalar(item)}")
    return lines


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
