"""Many who ask the marts at once, each with a connection of its own, and every answer checked.

Answers are judged when all have been asked, so that judging slows no asker down.

An asker works in rounds: one snapshot of the marts, the plain rows of its tables, then a number of
questions in the same snapshot. So each answer has rows that it can be folded from again, however
often the marts change meanwhile.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tidewright.clients import postgres
from tidewright.model import flow
from tidewright.operations.bench.guided.asking import (
    Answer,
    Asked,
    Question,
    Row,
    fits,
)

ROUND_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Marts:
    """How a person reads them. ``schema``: where they lie."""

    place: flow.Connection
    secrets: Path
    schema: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What one asker does at once: questions that count as one, such as those of a dashboard."""

    kind: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """``rate``: turns a second of all askers together; None: as many as fit."""

    askers: int
    seconds: float
    rate: float | None = None


def ask(marts: Marts, turns: Sequence[Turn], load: Load) -> tuple[Asked, float]:
    """All askers until the time is over; what they saw, and turns per second."""
    found, turned = Asked(), list[int]()
    began = time.monotonic()

    askers = [_Asker(marts, load, began + number * 0.01) for number in range(load.askers)]

    def work(number: int) -> None:
        first = number % len(turns)
        turned.append(askers[number].run(itertools.cycle((*turns[first:], *turns[:first]))))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(load.askers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in askers:
        one.judge()
        found.add(one.seen)
    return found, sum(turned) / load.seconds


class _Asker:
    """One connection and its pace. What fails counts, and the next round begins anew."""

    def __init__(self, marts: Marts, load: Load, began: float) -> None:
        self._marts = marts
        self._end = began + load.seconds
        self._gap = load.askers / load.rate if load.rate else 0.0
        self._due = began
        self.seen = Asked()
        self._kept: list[tuple[list[tuple[Question, Answer]], dict[str, Sequence[Row]]]] = []

    def run(self, turns: itertools.cycle[Turn]) -> int:
        """Rounds until the time is over; how many turns."""
        count = 0
        while time.monotonic() < self._end:
            try:
                with postgres.connect(
                    self._marts.place, str(self._marts.secrets), autocommit=False
                ) as conn:
                    while time.monotonic() < self._end:
                        count += self._round(conn, turns)
            except (psycopg.Error, OSError):
                self.seen.failed += 1
                time.sleep(0.1)
        return count

    def _round(self, conn: psycopg.Connection[Any], turns: itertools.cycle[Turn]) -> int:
        conn.rollback()
        conn.execute("set transaction isolation level repeatable read, read only")
        conn.execute(
            sql.SQL("set local search_path = {}").format(sql.Identifier(self._marts.schema))
        )
        rows: dict[str, Sequence[Row]] = {}
        given: list[tuple[Question, Answer]] = []
        count, until = 0, min(time.monotonic() + ROUND_SECONDS, self._end)
        while time.monotonic() < until:
            turn = next(turns)
            self._wait()
            began = time.monotonic()
            answers = [(q, conn.execute(q.sql.encode()).fetchall()) for q in turn.questions]
            self.seen.took(turn.kind, time.monotonic() - began)
            given += answers
            count += 1
        for name in {name for question, _ in given for name in question.reads}:
            rows[name] = _rows(conn, name)
        self._kept.append((given, rows))
        return count

    def _wait(self) -> None:
        """What is late by more than a round is not made up for, and shows in the rate."""
        now = time.monotonic()
        if self._gap and self._due > now:
            time.sleep(self._due - now)
        self._due = max(self._due + self._gap, now - ROUND_SECONDS)

    def judge(self) -> None:
        """Every answer against the rows of its snapshot."""
        for given, rows in self._kept:
            wanted: dict[str, Answer] = {}
            for question, answer in given:
                if question.name not in wanted:
                    wanted[question.name] = question.again(rows.__getitem__)
                self.seen.judge(question.name, answer, wanted[question.name])
                if not fits(question, len(answer)):
                    what = f"{len(answer)} rows are no {question.size} answer"
                    self.seen.blame(question.name, what)
        self._kept.clear()


def _rows(conn: psycopg.Connection[Any], mart: str) -> Sequence[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql.SQL("select * from {}").format(sql.Identifier(mart))).fetchall()
