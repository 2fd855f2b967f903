"""Strange databases under a strange load, processes killed at random, read by PyIceberg.

``TIDEWRIGHT_SEED`` and ``TIDEWRIGHT_ROUNDS`` choose the seeds: the first, and how many.
"""

from __future__ import annotations

import os

import pytest

from tests.e2e.world import World

pytestmark = pytest.mark.heavy
ROUNDS = int(os.environ.get("TIDEWRIGHT_ROUNDS", "1"))
FIRST = int(os.environ.get("TIDEWRIGHT_SEED", "1"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
def test_a_strange_database_is_exact_after_kills(seed: int) -> None:
    with World(seed) as world:
        world.start()
        world.load(world.random.uniform(0, 1))
        world.settle()
        for _ in range(2):
            world.load(world.random.uniform(0.2, 2))
            for _ in range(world.random.randint(0, 2)):
                world.alter()
            world.load(world.random.uniform(0.1, 1))
            if world.random.random() < 0.7:
                world.kill()
                world.load(0.2)
                world.start()
            else:
                world.cut_off()
            world.load(0.5)
        world.settle()
        assert world.judge() > 0
        world.compare()
