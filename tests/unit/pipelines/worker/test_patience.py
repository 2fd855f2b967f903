"""What is said while one step takes long, with a clock of our own."""

from __future__ import annotations

import pytest

from tidewright.pipelines.worker import patience


class Telling:
    def __init__(self) -> None:
        self.now = 100.0
        self.changes = 0
        self.said: list[tuple[str, bool]] = []
        self.patience = patience.Patience(
            lambda text, well: self.said.append((text, well)),
            lambda: self.changes,
            lambda: self.now,
        )

    def after(self, seconds: float) -> list[tuple[str, bool]]:
        self.now += seconds
        self.said.clear()
        self.patience.look()
        return self.said


@pytest.fixture
def telling() -> Telling:
    made = Telling()
    made.patience.begin("the source is silent")
    return made


def test_a_short_step_is_not_worth_a_word(telling: Telling) -> None:
    assert telling.after(patience.QUIET - 1) == []


def test_a_long_one_is_named_and_then_is_not_well(telling: Telling) -> None:
    assert telling.after(patience.QUIET) == [("the source is silent (3 s so far)", True)]
    assert telling.after(patience.SLOW) == [("the source is silent (11 s so far)", False)]


def test_the_next_step_begins_anew(telling: Telling) -> None:
    telling.after(patience.SLOW)
    telling.patience.begin("another")
    assert telling.after(1) == []


def test_progress_counts_as_life(telling: Telling) -> None:
    telling.now += patience.LONGEST
    telling.changes = 5
    assert telling.after(0) == []
    assert telling.after(patience.QUIET) == [("the source is silent (3 s so far)", True)]


def test_without_progress_it_falls_silent_at_last(telling: Telling) -> None:
    assert telling.after(patience.LONGEST) == []


def test_no_step_is_no_wait(telling: Telling) -> None:
    telling.patience.begin("")
    assert telling.after(patience.SLOW) == []


def test_its_thread_ends_with_it(telling: Telling) -> None:
    with telling.patience:
        pass
    assert not telling.patience._thread.is_alive()
