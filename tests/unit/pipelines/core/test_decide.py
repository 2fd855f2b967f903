"""Single rules of the core, as a table of state and act."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tidewright.pipelines.core import acts, decide, learn, state

FOLLOWING = state.State(
    ("a",), opened=True, position=50, confirmed=50, following=frozenset({"a"})
)  # fmt: skip

FIRST = state.State(("a",), opened=True, confirmed=30)


@pytest.mark.parametrize(
    ("now", "act"),
    [
        (state.State(("a",)), acts.Open()),
        (FOLLOWING, acts.Pull(50, None)),
        (replace(FOLLOWING, idle=True), acts.Rest()),
        (replace(FOLLOWING, following=frozenset(), stopped={"a": "why"}), acts.Pull(50, None)),
        (replace(FOLLOWING, staged=70), acts.Commit(70)),
        (replace(FOLLOWING, staged=70, doubt=70), acts.ReadBack()),
        (replace(FOLLOWING, dirty=True, staged=70), acts.Reload()),
        (replace(FOLLOWING, confirmed=40), acts.Advance(50)),
        (replace(FOLLOWING, wanted=("a", "b")), acts.StartCopy(("b",))),
        (replace(FOLLOWING, wanted=("a", "b"), copied=state.Copied(("b",), 60)), acts.Pull(50, 60)),
        (replace(FOLLOWING, wanted=("a", "b"), copied=state.Copied(("b",), 40)),
         acts.Join(("b",), 40, 50)),
        (replace(FOLLOWING, cut=state.Cut()), acts.Rest()),
        (replace(FOLLOWING, cut=state.Cut(60)), acts.Pull(50, 60)),
        (replace(FOLLOWING, cut=state.Cut(50)), acts.CutReached(50)),
        (replace(FOLLOWING, cut=state.Cut(50, reached=True)), acts.Rest()),
        # Asked to stand still before the first commit: a copy that waited would wait for ever.
        (replace(FIRST, cut=state.Cut()), acts.StartCopy(("a",))),
        (replace(FIRST, cut=state.Cut(), copying=frozenset({"a"})), acts.Rest()),
        (replace(FIRST, cut=state.Cut(), copied=state.Copied(("a",), 40)),
         acts.Join(("a",), 40, 40)),
    ],
)  # fmt: skip
def test_next_act(now: state.State, act: acts.Act) -> None:
    assert decide.decide(now) == act


@pytest.mark.parametrize(
    ("opened", "code"),
    [
        (acts.Opened(50, "1/1/bank", "2/1/bank", acts.Slot(50), ("a",)), "source.identity"),
        (acts.Opened(50, "1/1/bank", "1/1/bank", None, ("a",)), "source.slot_missing"),
        (
            acts.Opened(50, "1/1/bank", "1/1/bank", acts.Slot(50, lost=True), ("a",)),
            "source.slot_lost",
        ),
        (acts.Opened(50, "1/1/bank", "1/1/bank", acts.Slot(51), ("a",)), "source.slot_ahead"),
    ],
)  # fmt: skip
def test_a_start_that_would_have_to_guess_is_refused(opened: acts.Opened, code: str) -> None:
    now = learn.learn(state.State(("a",)), opened)
    assert isinstance(decide.decide(now), acts.Stop)
    assert now.failure is not None
    assert now.failure.code == code


def test_a_pull_towards_a_cut_ends_exactly_there_even_without_rows() -> None:
    now = replace(FOLLOWING, cut=state.Cut(60))
    now = learn.learn(now, acts.Pulled(None, exhausted=True))
    assert decide.decide(now) == acts.Commit(60)


def test_a_pull_that_did_not_see_everything_ends_at_its_last_transaction() -> None:
    now = replace(FOLLOWING, cut=state.Cut(60))
    now = learn.learn(now, acts.Pulled(54, exhausted=False))
    assert decide.decide(now) == acts.Commit(54)
