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
# These points are passed once in a worker's life; the others many times.
ONCE = {"opened", "slot_made", "copy_begun", "copy_done"}


@pytest.mark.parametrize("point", faults.POINTS)
def test_exact_after_kill_at(point: str) -> None:
    with Rig(seed=len(point)) as rig:
        for round_number in range(ROUNDS):
            first_life = round_number == 0
            if point not in ONCE and first_life:
                rig.start()
                rig.load(2)
                rig.kill()
            if point in ONCE - {"opened"} and not first_life:
                break
            passing = "" if point in ONCE else f":{rig.random.randint(1, 6)}"
            rig.start(f"{point}{passing}")
            assert rig.dies(), f"{point} was never passed"
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
