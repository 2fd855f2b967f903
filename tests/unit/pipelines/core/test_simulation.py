"""Seeded histories of the core, and proof that the simulator sees a broken rule."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tidewright.pipelines.core import acts, decide, learn, state
from tidewright.testing import simulator

HISTORIES = int(os.environ.get("TIDEWRIGHT_HISTORIES", "500"))
SEEDS_TO_FIND_A_BUG = 60


def test_every_history_is_exact() -> None:
    for seed in range(HISTORIES):
        world = simulator.World(seed)
        world.run(events=200, faults=3)
        assert len(world.trace) >= 200
        assert world.faults >= 3


def test_a_history_repeats_byte_for_byte() -> None:
    assert simulator.World(7).run() == simulator.World(7).run()


def _slot_moves_first(now: state.State) -> acts.Act:
    """A wrong core: the slot lets go of what is only staged."""
    ready = now.staged is not None and now.doubt is None and not now.dirty
    if (
        ready
        and now.confirmed is not None
        and now.staged is not None
        and now.confirmed < now.staged
    ):
        return acts.Advance(now.staged)
    return RIGHT_DECIDE(now)


def _doubt_is_success(now: state.State, seen: acts.Outcome) -> state.State:
    """A wrong core: a lost answer is taken for a yes."""
    if isinstance(seen, acts.Unknown):
        seen = acts.Done(seen.position)
    return RIGHT_LEARN(now, seen)


def _half_a_pull_is_kept(now: state.State, seen: acts.Outcome) -> state.State:
    """A wrong core: after an outage half-way it goes on with what is in memory."""
    return now if isinstance(seen, acts.PullFailed) else RIGHT_LEARN(now, seen)


def _stops_are_forgotten(now: state.State, seen: acts.Outcome) -> state.State:
    """A wrong core: after a restart a stopped table follows again."""
    if isinstance(seen, acts.Opened):
        tables = (*seen.tables, *(table for table, _ in seen.stopped))
        seen = acts.Opened(seen.position, seen.identity, seen.source, seen.slot, tables)
    return RIGHT_LEARN(now, seen)


RIGHT_DECIDE = decide.decide
RIGHT_LEARN = learn.learn
WRONG: dict[str, tuple[object, str, Callable[..., object]]] = {
    "included twice": (decide, "includes", lambda position, lsn: lsn <= position),
    "slot first": (decide, "decide", _slot_moves_first),
    "doubt ignored": (learn, "learn", _doubt_is_success),
    "half a pull": (learn, "learn", _half_a_pull_is_kept),
    "stops forgotten": (learn, "learn", _stops_are_forgotten),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, wrong = WRONG[name]
    monkeypatch.setattr(module, attribute, wrong)
    with pytest.raises((simulator.Violation, KeyError)):
        for seed in range(SEEDS_TO_FIND_A_BUG):
            simulator.World(seed).run()
