"""Plain data as the YAML that a person would write: short maps in one line, others as blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./()-]*( [A-Za-z0-9_./()-]+)*|[0-9]+(ms|s|m|h|d)")
_NUMBER = re.compile(r"\.[0-9].*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "."})


def scalar(value: Any) -> str:
    """One value, quoted unless it is plain to everyone."""
    if not isinstance(value, str):
        return json.dumps(value)
    plain = _PLAIN.fullmatch(value) and not _NUMBER.fullmatch(value)
    if plain and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())


def flow(value: Any) -> str:
    """Anything, in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return scalar(value)


def block(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    """A map as lines. One that holds maps, or is too long for a line, is a block itself."""
    pad = " " * indent
    for key, below in value.items():
        line = f"{pad}{scalar(key)}: {flow(below)}"
        nested = isinstance(below, Mapping) and any(isinstance(v, Mapping) for v in below.values())
        if isinstance(below, Mapping) and below and (nested or len(line) > WIDTH):
            yield f"{pad}{scalar(key)}:"
            yield from block(below, indent + 2)
        elif isinstance(below, list | tuple) and len(line) > WIDTH:
            yield f"{pad}{scalar(key)}:"
            yield from (f"{pad}  - {flow(item)}" for item in below)
        else:
            yield line


def item(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    """A map with one key as an item of a list, whose dash stands at ``indent``."""
    ((kind, body),) = value.items()
    yield f"{' ' * indent}- {scalar(kind)}:"
    yield from block(body, indent + 4)
