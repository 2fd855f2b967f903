"""What is published: marts with typed columns, a key when there is one, and rows as CSV text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

SCHEMA = "marts"


@dataclass(frozen=True, slots=True)
class Column:
    """``type`` is PostgreSQL's full name of it, as ``format_type`` prints it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Mart:
    """One model to publish. ``rows`` gives CSV: NULL is empty, every value is in quotes.

    Without a ``key`` rows are compared as a whole.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rows: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which commit of the lake the marts were made from."""

    commit_id: int
    position: str
    source: str
