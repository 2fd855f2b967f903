"""The sender's book: every batch before it is sent, and what was answered. A SQLite file.

A batch is written down with its body before it is sent, and crossed out when it is acknowledged. So
after a kill what was in flight is sent again under its own name, and the totals are exact. Power
loss is not a subject here: the sender is part of an example, and its file is not synced.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

FILE = "ledger.sqlite"
# Acknowledged batches that are remembered one by one; the totals are of all.
KEPT = 20_000
_LAYOUT = """
create table if not exists batches (
  number integer primary key, name text not null unique, events int not null,
  body blob, taken int, rejected int);
create table if not exists totals (
  one int primary key check (one = 1), batches int not null, taken int not null,
  rejected int not null);
insert or ignore into totals values (1, 0, 0, 0);
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """``taken`` and ``rejected`` are None until it is acknowledged."""

    name: str
    events: int
    body: bytes
    taken: int | None = None
    rejected: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Of everything that was ever acknowledged."""

    batches: int
    taken: int
    rejected: int


Batches: TypeAlias = Sequence[Batch]


class Ledger:
    """One sender's book. ``read_only`` for those who only verify."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        mode = "?mode=ro" if read_only else ""
        self._file = sqlite3.connect(f"file:{folder / FILE}{mode}", uri=True, timeout=10)
        self._file.isolation_level = None
        if not read_only:
            self._file.execute("pragma journal_mode = wal")
            self._file.execute("pragma synchronous = off")
            self._file.executescript(_LAYOUT)

    def close(self) -> None:
        self._file.close()

    def send(self, batch: Batch) -> None:
        """Write it down; it is about to be sent."""
        row = (batch.name, batch.events, batch.body)
        self._file.execute("insert into batches (name, events, body) values (?, ?, ?)", row)

    def acknowledged(self, name: str, taken: int, rejected: int) -> None:
        """Cross it out, and add it up."""
        self._file.execute("begin immediate")
        self._file.execute(
            "update batches set body = null, taken = ?, rejected = ? where name = ?",
            (taken, rejected, name),
        )
        self._file.execute(
            "update totals set batches = batches + 1, taken = taken + ?, rejected = rejected + ?",
            (taken, rejected),
        )
        self._file.execute(
            "delete from batches where taken is not null and number < "
            "(select max(number) from batches) - ?",
            (KEPT,),
        )
        self._file.execute("commit")

    def waiting(self) -> Batches:
        """What was sent and never acknowledged, oldest first."""
        found = self._file.execute(
            "select name, events, body from batches where taken is null order by number"
        )
        return [Batch(*row) for row in found]

    def known(self) -> Batches:
        """The newest acknowledged batches, without their bodies."""
        found = self._file.execute(
            "select name, events, x'', taken, rejected from batches where taken is not null"
        )
        return [Batch(*row) for row in found]

    def totals(self) -> Totals:
        row = self._file.execute("select batches, taken, rejected from totals").fetchone()
        return Totals(*row)
