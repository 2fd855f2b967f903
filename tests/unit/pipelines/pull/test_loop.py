"""The pull over a real topic: what a crash, a broken script or a lost server costs (nothing)."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tidewright.clients import topics
from tidewright.model import flow, jobs, values
from tidewright.pipelines.core import faults
from tidewright.pipelines.mover import report
from tidewright.pipelines.pull import loop
from tidewright.pipelines.topic import pressure
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

COUNTING = """
def pull(state):
    first = (state or {"n": 0})["n"] + 1
    last = first + first % 5
    return [(n % 3, {"n": n}) for n in range(first, last + 1)], {"n": last}
"""


class Crash(BaseException):
    """What ends a process: no handler of ours may catch it."""


class Clock:
    """Goes on by itself at each look, so that every pull is due; ``jump`` as a machine's does."""

    now = 1000.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class Pulling:
    def __init__(self, database: psycopg.Connection, server: TempPostgres, folder: Path) -> None:
        self.database, self.folder, self.clock = database, folder, Clock()
        vault.write(folder / "secrets", "pw", server.password)
        topics.prepare(database, ("t",))
        name = database.info.dbname
        at = flow.Connection("127.0.0.1", server.port, name, "postgres", values.Secret("pw"))
        self.job = jobs.PullJob(
            "pull", flow.Pull("pull.py", 0.5, "t"), at, str(folder), str(folder / "secrets"),
            str(folder / "pull.json"),
        )  # fmt: skip
        self.write(COUNTING)

    def write(self, text: str) -> None:
        (self.folder / "pull.py").write_text(text)

    def loop(self, fault: faults.Fault = faults.none) -> loop.Loop:
        voice = report.Report(self.folder / "pull.json", "pull")
        return loop.Loop(self.job, voice, threading.Event(), fault, self.clock)

    def numbers(self) -> list[int]:
        query = "select (value::jsonb ->> 'n')::int from topics.t order by topic_offset"
        return [n for (n,) in self.database.execute(query)]


@pytest.fixture
def pulling(
    database: psycopg.Connection, postgres: TempPostgres, tmp_path: Path
) -> Iterator[Pulling]:
    yield Pulling(database, postgres, tmp_path)


@pytest.mark.parametrize("seed", range(5))
def test_each_event_once_whatever_crashes(pulling: Pulling, seed: int) -> None:
    chance = random.Random(seed)
    left = {"passes": chance.randint(1, 4)}

    def fault(point: str) -> None:
        left["passes"] -= 1
        if left["passes"] == 0:
            left["passes"] = chance.randint(1, 7)
            raise Crash(point)

    running = pulling.loop(fault)
    for _ in range(40):
        try:
            running.turn()
        except Crash:
            running._hang_up()
            running = pulling.loop(fault)
    running._hang_up()
    found = pulling.numbers()
    assert found == list(range(1, len(found) + 1))
    assert len(found) > 40


def test_a_broken_script_is_told_and_the_mended_one_goes_on(pulling: Pulling) -> None:
    running = pulling.loop()
    running.turn()
    before = pulling.numbers()
    pulling.write("def pull(state):\n    return 1 / 0, state\n")
    running.turn()
    assert running.voice.status.state == "degraded"
    assert "pull.py:2" in running.voice.status.message
    pulling.write("def pull(state):\n    return None\n")
    running.turn()
    assert "pull returned something else" in running.voice.status.message
    pulling.write(COUNTING)
    running.turn()
    assert running.voice.status.state == "running"
    assert pulling.numbers() == list(range(1, len(pulling.numbers()) + 1))
    assert len(pulling.numbers()) > len(before)
    running._hang_up()


def test_a_session_that_is_ended_is_opened_again(pulling: Pulling) -> None:
    running = pulling.loop()
    running.turn()
    pulling.database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    running.turn()
    assert not running.voice.status.healthy
    running.turn()
    assert running.voice.status.healthy
    assert pulling.numbers() == list(range(1, len(pulling.numbers()) + 1))
    running._hang_up()


def test_a_full_topic_is_waited_for(pulling: Pulling) -> None:
    running = pulling.loop()
    running.turn()
    before = pulling.numbers()
    running._full._limit = 0
    running._full._next = 0.0
    running.turn()
    assert "wait to be carried" in running.voice.status.message
    assert pulling.numbers() == before
    running._full._limit = pressure.LIMIT
    running.turn()
    assert len(pulling.numbers()) > len(before)
    running._hang_up()


def test_an_empty_pull_appends_nothing(pulling: Pulling) -> None:
    pulling.write("def pull(state):\n    return [], state\n")
    running = pulling.loop()
    running.turn()
    running.turn()
    assert running._place.sequence <= 1  # the state itself, once
    assert pulling.numbers() == []
    running._hang_up()
