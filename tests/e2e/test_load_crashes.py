"""kill -9 of the load worker's own process at each of its points, and anywhere: bronze stays exact.

``TIDEWRIGHT_ROUNDS`` repeats each point so often (10 before a release).
CI goes through a sample of them once.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e import sampling
from tests.unit.pipelines.load.loading import Load
from tidewright.model import codec
from tidewright.pipelines.core.faults import VARIABLE
from tidewright.pipelines.load import faults
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

pytestmark = pytest.mark.heavy
ROUNDS = int(os.environ.get("TIDEWRIGHT_ROUNDS", "1"))
SECONDS = 120.0


class Worker:
    """The load worker as the supervisor runs it, over the unit tests' world."""

    def __init__(self, load: Load, seed: str) -> None:
        self.load = load
        self.random = random.Random(seed)
        load.job = replace(load.job, load=replace(load.job.load, every=0.5))
        self.job = load.folder / "job.json"
        self.job.write_text(codec.dumps(load.job))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, fault: str = "") -> None:
        argv = [sys.executable, "-m", "tidewright.pipelines.load", "--job", str(self.job)]
        self.process = subprocess.Popen(argv, env={**os.environ, VARIABLE: fault})

    def work(self, seconds: float) -> None:
        """Let the world change while the worker runs, or until it dies."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process and self.process.poll() is None:
            self.load.change(self.random.randint(0, 6))
            count, mark = self.random.randint(0, 5), self.random.randint(0, 3)
            self.load.things = [{"id": n, "v": n, "amount": mark} for n in range(count)]
            self.load.set()
            time.sleep(0.1)

    def dies(self) -> bool:
        assert self.process is not None
        return self.process.wait(SECONDS) == -signal.SIGKILL

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def exact(self) -> None:
        """The next worker catches up, and nothing is missing, double or torn."""
        self.start()
        wanted = [(r["id"], r["v"]) for r in self.load.orders]
        things = [(r["id"], r["amount"]) for r in self.load.things]
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            held = [(r["id"], r["amount"]) for r in self.load.rows("things")]
            if self.load.values("orders") == wanted and held == things:
                break
            time.sleep(0.2)
        assert self.load.values("orders") == wanted
        assert [r["_seq"] for r in self.load.rows("orders")] == list(range(1, len(wanted) + 1))
        assert held == things


@pytest.fixture
def load(postgres: TempPostgres, tmp_path: Path) -> Iterator[Load]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield Load(lake, tmp_path)


@pytest.mark.parametrize("point", sampling.some(faults.POINTS))
def test_exact_after_kill_at(load: Load, point: str) -> None:
    worker = Worker(load, point)
    try:
        for _ in range(ROUNDS):
            each_start = point == "opened"
            worker.start(point if each_start else f"{point}:{worker.random.randint(1, 3)}")
            worker.work(SECONDS)
            assert worker.dies(), f"{point} was never passed"
        worker.exact()
    finally:
        worker.kill()


def test_exact_after_kills_anywhere(load: Load) -> None:
    worker = Worker(load, "anywhere")
    try:
        for _ in range(5 * ROUNDS):
            worker.start()
            worker.work(worker.random.uniform(0.5, 4))
            worker.kill()
        worker.exact()
    finally:
        worker.kill()
