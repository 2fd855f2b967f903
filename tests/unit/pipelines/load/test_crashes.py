"""Killed at every named point, and anywhere: nothing is repeated, and nothing is skipped.

The crash is an exception that nothing catches, so what the process would lose is lost here: all
that is staged, the lease and the connector. ``TIDEWRIGHT_ROUNDS`` repeats each point with another
seed (1 in CI).
"""

import os
import random

import pytest

from tidewright.pipelines.load import faults

ROUNDS = int(os.environ.get("TIDEWRIGHT_ROUNDS", "1"))
POINTS = tuple(faults.POINTS)


def exact(load):
    """The next worker catches up: every version once, in order; the full stream as it is."""
    load.sync()
    load.end()
    assert load.values("orders") == [(r["id"], r["v"]) for r in load.orders]
    assert [r["_seq"] for r in load.rows("orders")] == list(range(1, len(load.orders) + 1))
    held = [(r["id"], r["amount"]) for r in load.rows("things")]
    assert held == [(r["id"], r["amount"]) for r in load.things]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_exact_after_a_crash_at(load, point, seed, monkeypatch):
    monkeypatch.setattr("tidewright.pipelines.load.loop.COMMIT_RECORDS", 6)
    chance = random.Random(f"{point}/{seed}")
    load.change(chance.randint(1, 12))
    load.things = [{"id": n, "v": n, "amount": seed} for n in range(5)]
    load.set()
    if chance.random() < 0.5:
        load.sync()
        load.change(chance.randint(4, 12))
    load.things = [{"id": n, "v": n, "amount": seed + 1} for n in range(chance.randint(0, 9))]
    load.set()
    assert load.crash(point), f"{point} was never passed"
    load.change(chance.randint(0, 5))
    exact(load)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_exact_after_crashes_anywhere(load, seed, monkeypatch):
    monkeypatch.setattr("tidewright.pipelines.load.loop.COMMIT_RECORDS", 6)
    chance = random.Random(f"anywhere/{seed}")
    for _ in range(6):
        load.change(chance.randint(0, 20))
        load.crash(chance.choice(POINTS), chance.randint(1, 3))
    exact(load)
