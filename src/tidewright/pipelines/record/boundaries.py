"""Does a checkpoint hold whole transactions only, in the order of their commits? Pure.

Debezium emits the changes of a transaction together, in the order of commits, and an END that
counts them (``provide.transaction.metadata``). Each partition holds its changes in that order. So
a checkpoint, which is one offset for each partition, is a moment of the source when every change
of the first so many transactions lies below its offsets, and every other change does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

Partition: TypeAlias = tuple[str, int]  # topic, number
Offsets: TypeAlias = Mapping[Partition, int]  # the next offset to be read

FIRST_COPY = ""  # the rows that were there before the first transaction count as one


@dataclass(frozen=True, slots=True)
class Between:
    """Where the readers of a checkpoint stood: two may read one partition, not equally far."""

    least: Offsets
    most: Offsets


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment of the source. ``lsn``: of the last commit in it; ``ends``: offset behind its END.

    ``changes``: by topic, and ``times``: source commit times (epoch ms), both since the last cut.
    """

    lsn: int
    ends: int
    changes: Mapping[str, int]
    times: tuple[int, ...]


class Not(Enum):
    """``SPLIT``: never a moment of the source. ``UNSEEN``: to be decided when more was read."""

    SPLIT = "cuts a transaction"
    UNSEEN = "not read so far"


@dataclass(slots=True, eq=False)
class Transaction:
    """``first`` and ``last``: its offsets in each partition. ``expected``: changes, by its END.

    ``fence``: offsets above all its changes, for one that no END counted.
    """

    name: str
    first: dict[Partition, int] = field(default_factory=dict)
    last: dict[Partition, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    at_ms: int = 0
    lsn: int = 0
    ends: int = 0
    expected: int | None = None
    fence: Offsets | None = None

    def begun(self, upto: Offsets) -> bool:
        return any(offset < upto.get(p, 0) for p, offset in self.first.items())

    def whole(self, upto: Offsets, read: Offsets) -> bool:
        """All its changes are known to lie below these offsets."""
        return self.known(read) and all(o < upto.get(p, 0) for p, o in self.last.items())

    def known(self, read: Offsets) -> bool:
        """All its changes were read."""
        if self.fence is not None:
            return all(read.get(p, 0) >= offset for p, offset in self.fence.items())
        return self.expected is not None and sum(self.seen.values()) >= self.expected


class Boundaries:
    """What was read of the topics since the last cut; ``change``, ``end`` and ``read`` feed it."""

    def __init__(self) -> None:
        self._all: dict[str, Transaction] = {}
        self._ended: list[Transaction] = []  # in the order of their commits
        self._read: dict[Partition, int] = {}
        self._floor: dict[Partition, int] = {}
        # Of transactions that are whole in every checkpoint to come, and so are kept no longer.
        self._changes: dict[str, int] = {}
        self._times: list[int] = []
        self._lsn = self._ends = 0

    def change(self, transaction: str, at: Partition, offset: int, at_ms: int, lsn: int) -> None:
        """One change was read. ``transaction``: Debezium's id, ``FIRST_COPY`` for none."""
        one = self._all.setdefault(transaction, Transaction(transaction))
        one.first.setdefault(at, offset)
        one.last[at] = offset
        one.seen[at[0]] = one.seen.get(at[0], 0) + 1
        one.at_ms, one.lsn = max(one.at_ms, at_ms), max(one.lsn, lsn)

    def end(self, transaction: str, changes: int, lsn: int, offset: int) -> None:
        """Its END was read: so many changes. It may come before them, from a topic of its own."""
        if not changes:
            return
        one = self._all.setdefault(transaction, Transaction(transaction))
        if one.expected is None:
            one.expected, one.lsn, one.ends = changes, max(one.lsn, lsn), offset + 1
            self._ended.append(one)

    def expect_first_copy(self) -> None:
        """There may be rows from before the first transaction; nothing is whole without them."""
        self._ended.insert(0, self._all.setdefault(FIRST_COPY, Transaction(FIRST_COPY)))

    def end_first_copy(self, fence: Offsets) -> None:
        """All rows of the first copy lie below these offsets."""
        one = self._all[FIRST_COPY]
        if one not in self._ended:
            self._ended.insert(0, one)
        one.fence = dict(fence)

    @property
    def is_copying(self) -> bool:
        """There is, or may be, a first copy whose end was not told."""
        one = self._all.get(FIRST_COPY)
        return one is not None and one.fence is None

    def give_up_counting(self, fence: Offsets) -> None:
        """The oldest transaction has all its changes below these offsets, whatever its END says."""
        if self._ended and self._ended[0].expected is not None:
            self._ended[0].fence = dict(fence)

    def read(self, at: Partition, upto: int) -> None:
        """Everything of the partition below this offset was read."""
        self._read[at] = max(upto, self._read.get(at, 0))

    def judge(self, stood: Between) -> Cut | Not:
        """Is this checkpoint a moment of the source? Checkpoints come in their order."""
        if any(self._read.get(p, 0) < offset for p, offset in stood.most.items()):
            return Not.UNSEEN
        if any(stood.least.get(p, 0) < offset for p, offset in self._floor.items()):
            return Not.SPLIT  # older than one that was judged
        self._floor.update(stood.least)
        for one in self._wholes(stood.least):
            self._forget(one)
        if not any(one.begun(stood.most) for one in self._all.values()):
            return Cut(self._lsn, self._ends, dict(self._changes), tuple(self._times))
        first = self._ended[0] if self._ended else None
        return Not.SPLIT if first and first.known(self._read) else Not.UNSEEN

    def taken(self) -> None:
        """The last cut was recorded; the next one counts from there."""
        self._changes, self._times = {}, []

    def _wholes(self, upto: Offsets) -> Iterator[Transaction]:
        """The first of all transactions, as long as they are whole."""
        while self._ended and self._ended[0].whole(upto, self._read):
            yield self._ended.pop(0)

    def _forget(self, one: Transaction) -> None:
        del self._all[one.name]
        for topic, count in one.seen.items():
            self._changes[topic] = self._changes.get(topic, 0) + count
        self._times += [one.at_ms] if one.seen else []
        self._lsn, self._ends = max(self._lsn, one.lsn), max(self._ends, one.ends)
