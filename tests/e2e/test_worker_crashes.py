"""kill -9 of the worker at each of the twelve points, and anywhere: the lake stays exact.

``TIDEWRIGHT_ROUNDS`` repeats each point so often (10 before a release, 1 in CI).
"""

from __future__ import annotations

import os

import pytest

from tests.e2e.rig import Rig
from tidewright.pipelines.core import faults

pytestmark = pytest.mark.heavy
ROUNDS = int(os.environ.get("TIDEWRIGHT_ROUNDS", "1"))
# These points are passed once in the life of a flow, so each round needs a new one.
FIRST_COPY = {"slot_made", "copy_begun", "copy_done"}
# This one is passed once in the life of a worker; all others many times.
EACH_START = {"opened"}


@pytest.mark.parametrize("point", faults.POINTS)
def test_exact_after_kill_at(point: str) -> None:
    if point in FIRST_COPY:
        for seed in range(ROUNDS):
            with Rig(seed) as rig:
                kill_at(rig, point)
                exact(rig)
        return
    with Rig(seed=len(point)) as rig:
        if point not in EACH_START:
            rig.start()
            rig.load(2)
            rig.kill()
        for _ in range(ROUNDS):
            passing = "" if point in EACH_START else f":{rig.random.randint(1, 6)}"
            kill_at(rig, point + passing)
        exact(rig)


def kill_at(rig: Rig, fault: str) -> None:
    rig.start(fault)
    assert rig.dies(), f"{fault} was never passed"


def exact(rig: Rig) -> None:
    """The next worker catches up, and nothing is missing, double or torn."""
    rig.start()
    rig.load(0.5)
    rig.settle()
    rig.check()


def test_exact_after_kills_anywhere() -> None:
    with Rig(seed=99) as rig:
        for _ in range(3 * ROUNDS):
            rig.start()
            rig.load(rig.random.uniform(0.5, 4))
            rig.kill()
        rig.start()
        rig.settle()
        rig.check()
