"""kill -9 of pull and stream at each of their points, and of anything anywhere: each event once.

``TIDEWRIGHT_ROUNDS`` repeats each point so often (10 before a release, 1 in CI).
"""

from __future__ import annotations

import os
import signal

import pytest

from tests.e2e.chain import Chain
from tidewright.pipelines.core import faults

pytestmark = pytest.mark.heavy
ROUNDS = int(os.environ.get("TIDEWRIGHT_ROUNDS", "1"))
POINTS = {**dict.fromkeys(faults.APPENDING, "pull"), **dict.fromkeys(faults.STREAMING, "stream")}


def test_every_event_once_after_a_kill_at_each_point() -> None:
    with Chain(seed=7) as chain:
        chain.start_all()
        for _ in range(ROUNDS):
            for point, name in POINTS.items():
                if name in chain.running:
                    chain.kill(name)
                chain.start(name, f"{point}:{chain.random.randint(1, 4)}")
                assert chain.dies(name), f"{point} was never passed\n{chain.logs()}"
                chain.start(name)
        chain.settle()
        chain.check()


def test_every_event_once_after_kills_anywhere() -> None:
    with Chain(seed=8) as chain:
        chain.start_all()
        for _ in range(6 * ROUNDS):
            name = chain.random.choice(list(chain.running))
            chain.goes_on()
            chain.kill(name)
            chain.start(name)
        chain.settle()
        chain.check()


def test_the_server_of_all_goes_and_comes_back() -> None:
    with Chain(seed=9) as chain:
        chain.start_all()
        chain.until(lambda: chain.placed() > 0)
        chain.server.stop(signal.SIGKILL)
        chain.server.start()
        chain.settle()
        chain.check()
