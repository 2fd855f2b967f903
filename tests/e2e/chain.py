"""A pull, a topic, its capture and a stream step as real processes that tests may kill anywhere.

The events are those of the example, made from their numbers alone, so that what must come out is
known without any of the code under test.
"""

from __future__ import annotations

import json
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg

from tidewright.clients import duckdb as ducks
from tidewright.clients import topics
from tidewright.model import codec, flow, jobs, values
from tidewright.pipelines.compare import rawlog
from tidewright.pipelines.compare import stream as compare
from tidewright.pipelines.compare import topics as ledgers
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import reader
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

EXAMPLE = Path(__file__).parents[2] / "examples" / "user-events"
EVENT: Callable[[int], str] = runpy.run_path(str(EXAMPLE / "random_user_api.py"))["event"]
PULL = """
import runpy
event = runpy.run_path({api!r})["event"]

def pull(state):
    first = (state or 0) + 1
    last = first + first % 97
    return [(None, event(n)) for n in range(first, last)], last - 1
"""
TOPIC, RAW = "users_topic", "raw_data.users_topic"
VIEW = flow.Target("user_events.users", ("user_id",), "event_time")
STREAM = flow.Stream(
    TOPIC, "stream/users.sql", "user_events.accepted_events", "user_events.dead_letters", (VIEW,)
)
MODULES = {"pull": "pull", "capture": "worker", "stream": "stream"}


class Chain:
    """``with Chain(seed) as chain: chain.start("pull"); ...; chain.settle(); chain.check()``."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.folder = Path(tempfile.mkdtemp(prefix="tidewright-chain-"))
        self.server = TempPostgres()
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Chain:
        self.server.__enter__()
        vault.write(self.folder / "secrets", "pw", self.server.password)
        for name in ("lake", "run"):
            (self.folder / name).mkdir()
        shutil.copytree(EXAMPLE, self.folder / "project")
        api = str(EXAMPLE / "random_user_api.py")
        (self.folder / "project" / "pull.py").write_text(PULL.format(api=api))
        for name in ("catalog", "keyed"):
            self.server.create(name).close()
        with self.server.create("topics") as conn:
            topics.prepare(conn, (TOPIC,))
        for name, job in self._jobs().items():
            (self.folder / f"{name}.json").write_text(codec.dumps(job))
        return self

    def __exit__(self, *exc: object) -> None:
        for name in list(self.running):
            self.kill(name)
        self.server.__exit__(*exc)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _at(self, database: str) -> flow.Connection:
        return flow.Connection(
            "127.0.0.1", self.server.port, database, "postgres", values.Secret("pw")
        )

    def _jobs(self) -> Mapping[str, jobs.Job]:
        secrets, project = str(self.folder / "secrets"), str(self.folder / "project")
        lake = jobs.Lake(self._at("catalog"), str(self.folder / "lake"))
        name = f"topics.{TOPIC}"
        source = flow.PostgresSource(
            "topics", self._at("topics"), "tw", "tw", managed=True, append_only=True
        )
        columns = ("topic_offset", "at", "key", "value")
        capture = flow.Capture("topics", (name,), "raw_data", {name: columns})
        status = {n: str(self.folder / "run" / f"{n}.json") for n in MODULES}
        return {
            "pull": jobs.PullJob(
                "pull", flow.Pull("pull.py", 0.1, TOPIC), self._at("topics"), project, secrets,
                status["pull"],
            ),
            "capture": jobs.CaptureJob(
                "topics", source, capture, lake, secrets, status["capture"], 0.1
            ),
            "stream": jobs.StreamJob(
                "stream", STREAM, "topics", RAW, lake, self._at("keyed"), project, secrets,
                status["stream"],
            ),
        }  # fmt: skip

    # -- processes ----------------------------------------------------------------------------

    def start(self, name: str, fault: str = "") -> None:
        argv = [sys.executable, "-P", "-m", f"tidewright.pipelines.{MODULES[name]}", "--job"]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*argv, str(self.folder / f"{name}.json")], stdout=log, stderr=log,
                env=os.environ | {faults.VARIABLE: fault}, cwd=self.folder,
            )  # fmt: skip

    def start_all(self) -> None:
        for name in MODULES:
            self.start(name)

    def dies(self, name: str, seconds: float = 120) -> bool:
        """Whether the process killed itself."""
        try:
            return self.running.pop(name).wait(seconds) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        process = self.running.pop(name)
        process.send_signal(how)
        process.wait(60)

    def logs(self) -> str:
        return "\n".join(
            f"== {n}\n{f.read_text()[-3000:]}"
            for n in MODULES
            if (f := self.folder / f"{n}.log").exists()
        )

    # -- what came of it ----------------------------------------------------------------------

    def produced(self) -> int:
        with self.server.connect("topics") as conn:
            row = conn.execute("select max(events) from ledger.producers").fetchone()
        return int(row[0] or 0) if row else 0

    def until(self, done: Callable[[], bool], seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.1)

    def goes_on(self) -> None:
        """Wait until it has produced something more."""
        before = self.produced()
        self.until(lambda: self.produced() > before)

    def placed(self) -> int:
        with self.server.connect("keyed") as conn:
            try:
                row = conn.execute("select events from tidewright.positions").fetchone()
            except psycopg.errors.UndefinedTable:
                return 0
        return int(row[0]) if row else 0

    def settle(self, least: int = 300) -> None:
        """Let it produce some more, end the pull, and wait until every event has a place."""
        more = self.produced() + least
        self.until(lambda: self.produced() >= more)
        self.kill("pull", signal.SIGTERM)
        self.until(lambda: self.placed() >= self.produced())

    def check(self) -> None:
        """By the tool's own proof, and by what the numbers of the events alone say."""
        with self.server.connect("catalog") as conn:
            pinned = reader.pin(conn, "topics")
        assert pinned is not None
        duck = ducks.connect()
        for statement in reader.statements(pinned):
            duck.execute(statement)
        with self.server.connect("topics") as log:
            found = ledgers.compare(log, duck, TOPIC)
        assert (found.missing, found.extra, found.different) == (0, 0, 0), found
        assert rawlog.once(duck, RAW).ok
        assert ledgers.in_order(duck, RAW).ok
        with self.server.connect("keyed") as keyed:
            keyed.execute("begin isolation level repeatable read")
            found = compare.once(keyed, duck, STREAM, RAW)
            assert (found.missing, found.extra, found.different) == (0, 0, 0), found
            assert found.source_rows == self.produced()
            assert compare.replays(keyed, STREAM, VIEW).ok
            assert compare.reasons(keyed, STREAM).ok
            self._check_numbers(keyed)

    def _check_numbers(self, keyed: psycopg.Connection) -> None:
        """Every number from 1 to the last is there once, and each user is as told last."""
        events = [_parsed(EVENT(n)) for n in range(1, self.produced() + 1)]
        good = [e for e in events if e is not None]
        accepted = keyed.execute("select event_id from user_events.accepted_events order by 1")
        assert [n for (n,) in accepted] == [e["event_id"] for e in good]
        rejected = keyed.execute("select count(*) from user_events.dead_letters").fetchone()
        assert rejected == (len(events) - len(good),)
        last: dict[str, dict[str, Any]] = {}
        for event in sorted(good, key=lambda e: (e["event_time"], e["event_id"])):
            last[event["user_id"]] = event
        users = keyed.execute("select user_id::text, event_id, email from user_events.users")
        expected = {u: (e["event_id"], e["email"]) for u, e in last.items()}
        assert {u: (n, email) for u, n, email in users} == expected


def _parsed(line: str) -> dict[str, Any] | None:
    """The event, or None when it is one of the spoiled ones."""
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    bad = found.get("email") is None or found["user_id"] is None or found["age"] == "unknown"
    return None if bad or not found["event_time"].startswith("20") else found
