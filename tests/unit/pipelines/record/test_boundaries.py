"""Which checkpoints hold whole transactions, in the order of their commits."""

from __future__ import annotations

import random

import pytest

from tidewright.pipelines.record import boundaries
from tidewright.pipelines.record.boundaries import FIRST_COPY, Between, Boundaries, Cut, Not

A, B = ("accounts", 0), ("accounts", 1)


def at(a: int, b: int) -> Between:
    stood = {A: a, B: b}
    return Between(stood, stood)


@pytest.fixture
def two() -> Boundaries:
    """A transfer from a row of one partition to one of the other; then a change alone."""
    known = Boundaries()
    known.change("1:100", A, 0, 1000, 90)
    known.change("1:100", B, 0, 1000, 91)
    known.end("1:100", 2, 100, 0)
    known.change("2:200", B, 1, 2000, 190)
    known.end("2:200", 1, 200, 2)
    known.read(A, 5)
    known.read(B, 5)
    return known


@pytest.mark.parametrize("stood", [at(1, 0), at(0, 1), at(0, 2)])
def test_half_a_transaction_is_no_moment(two: Boundaries, stood: Between) -> None:
    assert two.judge(stood) is Not.SPLIT


def test_whole_transactions_are_one(two: Boundaries) -> None:
    assert two.judge(at(1, 1)) == Cut(100, 1, {"accounts": 2}, (1000,))
    two.taken()
    assert two.judge(at(1, 2)) == Cut(200, 3, {"accounts": 1}, (2000,))


def test_what_was_passed_over_counts_with_the_next(two: Boundaries) -> None:
    assert two.judge(at(5, 5)) == Cut(200, 3, {"accounts": 3}, (1000, 2000))


def test_a_later_transaction_without_an_earlier_one_is_no_moment() -> None:
    known = Boundaries()
    known.change("1:100", A, 0, 1000, 100)
    known.end("1:100", 1, 100, 0)
    known.change("2:200", B, 0, 2000, 200)
    known.end("2:200", 1, 200, 1)
    known.read(A, 1)
    known.read(B, 1)
    assert known.judge(at(0, 1)) is Not.SPLIT


def test_two_readers_that_stood_apart_are_no_moment(two: Boundaries) -> None:
    assert two.judge(Between({A: 1, B: 1}, {A: 1, B: 2})) is Not.SPLIT


def test_readers_apart_by_a_mark_of_kafka_are_one(two: Boundaries) -> None:
    """A commit of Kafka's takes an offset, and one reader may not have stepped over it."""
    assert isinstance(two.judge(Between({A: 1, B: 1}, {A: 2, B: 1})), Cut)


def test_nothing_is_said_before_it_was_read(two: Boundaries) -> None:
    assert two.judge(at(6, 5)) is Not.UNSEEN
    two.read(A, 6)
    assert isinstance(two.judge(at(6, 5)), Cut)


def test_a_transaction_without_its_end_is_waited_for() -> None:
    known = Boundaries()
    known.change("1:100", A, 0, 1000, 90)
    known.read(A, 1)
    known.read(B, 0)
    assert known.judge(at(1, 0)) is Not.UNSEEN
    known.end("1:100", 2, 100, 0)
    assert known.judge(at(1, 0)) is Not.UNSEEN, "one of two changes was read"
    known.change("1:100", B, 0, 1000, 91)
    known.read(B, 1)
    assert known.judge(at(1, 0)) is Not.SPLIT


def test_an_end_that_counts_too_many_holds_nobody_up_for_ever() -> None:
    known = Boundaries()
    known.change("1:100", A, 0, 1000, 90)
    known.end("1:100", 2, 100, 0)
    known.read(A, 1)
    assert known.judge(at(1, 0)) is Not.UNSEEN
    known.give_up_counting({A: 1})
    assert isinstance(known.judge(at(1, 0)), Cut)


def test_a_first_copy_counts_as_one() -> None:
    known = Boundaries()
    known.expect_first_copy()
    known.change(FIRST_COPY, A, 0, 10, 50)
    known.read(A, 1)
    known.read(B, 0)
    assert known.judge(at(1, 0)) is Not.UNSEEN
    known.end_first_copy({A: 1, B: 1})
    assert known.judge(at(1, 0)) is Not.UNSEEN, "not read as far as it goes"
    known.change(FIRST_COPY, B, 0, 10, 50)
    known.read(B, 1)
    assert known.judge(at(1, 0)) is Not.SPLIT
    assert known.judge(at(1, 1)) == Cut(50, 0, {"accounts": 2}, (10,))


def test_no_transaction_is_whole_before_the_first_copy() -> None:
    known = Boundaries()
    known.expect_first_copy()
    known.change("1:100", A, 0, 1000, 90)
    known.end("1:100", 1, 100, 0)
    known.read(A, 1)
    assert known.judge(at(1, 0)) is Not.UNSEEN
    known.end_first_copy({})
    assert isinstance(known.judge(at(1, 0)), Cut)


def test_an_older_checkpoint_after_a_newer_one_is_refused(two: Boundaries) -> None:
    assert isinstance(two.judge(at(1, 2)), Cut)
    assert two.judge(at(1, 1)) is Not.SPLIT


@pytest.mark.parametrize("seed", range(30))
def test_a_random_history_is_judged_right(seed: int) -> None:
    """A cut holds the first so many transactions, and whatever does is called one."""
    dice = random.Random(seed)
    partitions = [("accounts", 0), ("accounts", 1), ("users", 0), ("users", 1)]
    next_free = dict.fromkeys(partitions, 0)
    history: list[list[tuple[boundaries.Partition, int]]] = []
    known = Boundaries()
    for number in range(60):
        changes = []
        for one in (dice.choice(partitions) for _ in range(dice.choice([1, 1, 2, 3]))):
            known.change(f"{number}:{number + 1}", one, next_free[one], number, number)
            changes.append((one, next_free[one]))
            next_free[one] += 1
        known.end(f"{number}:{number + 1}", len(changes), number + 1, number)
        history.append(changes)
        if dice.random() < 0.3:  # Kafka's own marks take offsets too
            next_free = {p: offset + 1 for p, offset in next_free.items()}
    for one in partitions:
        known.read(one, next_free[one])
    stood = dict.fromkeys(partitions, 0)
    cuts = 0
    for _ in range(300):
        if dice.random() < 0.4:  # all readers have caught up with some transaction
            for one, offset in (c for changes in history[: dice.randrange(61)] for c in changes):
                stood[one] = max(stood[one], offset + 1)
        one = dice.choice(partitions)
        stood[one] = min(next_free[one], stood[one] + dice.choice([0, 0, 0, 1]))
        begun = [any(offset < stood[p] for p, offset in changes) for changes in history]
        whole = [all(offset < stood[p] for p, offset in changes) for changes in history]
        count = sum(whole)
        is_moment = begun == whole == [True] * count + [False] * (60 - count)
        said = known.judge(Between(dict(stood), dict(stood)))
        assert isinstance(said, Cut) is is_moment
        if isinstance(said, Cut):
            assert said.lsn == count
            cuts += 1
    assert cuts > 2
