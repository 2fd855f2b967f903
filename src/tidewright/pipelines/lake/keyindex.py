"""The key index of a current-state table: which row of which file holds a key.

Sorted arrays of key bits and places, searched by bisection. A place is ``file number << 32 | row``.
A known key's place is overwritten where it stands; new keys go to a small sorted delta that is
merged now and then; a removed key keeps its entry with the place -1 until that merge. Nothing is
read back from files: 128 bits tell keys apart (see ``hashing``). What the places mean for files,
and when rows move: ``current`` and ``compaction``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidewright import errors
from tidewright.pipelines.lake import hashing

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

ABSENT = -1
ROW_BITS = 32
_ROW_MASK = (1 << ROW_BITS) - 1
# New keys and removed entries are merged above this; a merge copies the whole index once.
_MERGE_ABOVE = 200_000
# Entries looked at in one step when rows move: temporary arrays stay small.
_SCAN = 1 << 18


def places(file: int, rows: I64) -> I64:
    """The places of these rows of one file."""
    return rows | (file << ROW_BITS)


def files_of(found: I64) -> I64:
    return found >> ROW_BITS


def rows_of(found: I64) -> I64:
    return found & _ROW_MASK


@dataclass(slots=True)
class _Run:
    """Entries sorted by ``lo``; entries with equal ``lo`` stand in no particular order."""

    lo: U64
    hi: U64 | None
    loc: I64

    def __len__(self) -> int:
        return len(self.lo)

    def find(self, keys: hashing.Keys) -> I64:
        """The entry of every key, ABSENT where there is none. Sorted keys search fastest."""
        at = np.searchsorted(self.lo, keys.lo)
        if not len(self):
            return np.full(len(keys), ABSENT)
        found = at < len(self)
        at = np.where(found, at, 0)
        found &= self.lo[at] == keys.lo
        if self.hi is None or keys.hi is None:
            return np.where(found, at, ABSENT)
        wrong = np.flatnonzero(found & (self.hi[at] != keys.hi))
        while len(wrong):
            at[wrong] += 1
            inside = at[wrong] < len(self)
            inside[inside] = self.lo[at[wrong[inside]]] == keys.lo[wrong[inside]]
            found[wrong[~inside]] = False
            wrong = wrong[inside]
            wrong = wrong[self.hi[at[wrong]] != keys.hi[wrong]]
        return np.where(found, at, ABSENT)

    def joined(self, other: _Run) -> _Run:
        """The living entries of both."""
        mine, theirs = self._living(), other._living()
        at = np.searchsorted(mine.lo, theirs.lo)
        hi = None
        if mine.hi is not None and theirs.hi is not None:
            hi = np.insert(mine.hi, at, theirs.hi)
        return _Run(np.insert(mine.lo, at, theirs.lo), hi, np.insert(mine.loc, at, theirs.loc))

    def _living(self) -> _Run:
        keep = self.loc != ABSENT
        if keep.all():
            return self
        hi = None if self.hi is None else self.hi[keep]
        return _Run(self.lo[keep], hi, self.loc[keep])


class KeyIndex:
    """Key bits to places. The keys of one call must be distinct."""

    def __init__(self, exact: bool) -> None:
        self._main = _empty(exact)
        self._delta = _empty(exact)
        self._exact = exact
        self._removed = 0
        self.count = 0

    @classmethod
    def build(cls, exact: bool, parts: Iterable[tuple[hashing.Keys, I64]]) -> KeyIndex:
        """An index of the living rows of all files. Raises when a key is there twice."""
        index = cls(exact)
        taken = list(parts)
        if taken:
            index._main = _sorted(taken)
            _refuse_twice(index._main)
            index.count = len(index._main)
        return index

    @property
    def nbytes(self) -> int:
        """Memory held by the entries."""
        arrays = [a for run in (self._main, self._delta) for a in (run.lo, run.hi, run.loc)]
        return sum(a.nbytes for a in arrays if a is not None)

    def lookup(self, keys: hashing.Keys) -> I64:
        """The place of every key, ABSENT where it has none."""
        found = np.full(len(keys), ABSENT)
        for run in (self._main, self._delta):
            entries = run.find(keys)
            held = np.flatnonzero(entries != ABSENT)
            found[held] = run.loc[entries[held]]
        return found

    def apply(self, keys: hashing.Keys, now: I64) -> I64:
        """Put every key at its new place; returns the old places, ABSENT where the key is new."""
        old, known = self._exchange(keys, now)
        new = old == ABSENT
        self.count += int(np.count_nonzero(new))
        self._removed -= int(np.count_nonzero(new & known))
        fresh = np.flatnonzero(~known)
        if len(fresh):
            fresh = fresh[np.argsort(keys.lo[fresh], kind="stable")]
            entries = keys.take(fresh)
            self._delta = self._delta.joined(_Run(entries.lo, entries.hi, now[fresh]))
        self._merge_when_due()
        return old

    def remove(self, keys: hashing.Keys) -> I64:
        """Forget these keys; returns the old places, ABSENT where the key was not there."""
        old, _ = self._exchange(keys, np.full(len(keys), ABSENT))
        gone = int(np.count_nonzero(old != ABSENT))
        self.count -= gone
        self._removed += gone
        self._merge_when_due()
        return old

    def _exchange(self, keys: hashing.Keys, now: I64) -> tuple[I64, Mask]:
        """Overwrite the places of known keys; returns the old places and which are known."""
        old = np.full(len(keys), ABSENT)
        known = np.zeros(len(keys), np.bool_)
        for run in (self._main, self._delta):
            entries = run.find(keys)
            held = np.flatnonzero(entries != ABSENT)
            old[held] = run.loc[entries[held]]
            run.loc[entries[held]] = now[held]
            known[held] = True
        return old, known

    def moved(self, rows: Mapping[int, I64]) -> int:
        """Rows of some files have moved: ``rows[file][row]`` is the new place of each.

        Only entries that still name one of these files move, so a key that was changed or
        removed meanwhile keeps what it has. One scan of the places: no hashing, no search.
        """
        first, last = min(rows), max(rows)
        starts = np.full(last - first + 1, ABSENT)
        ends = np.cumsum([len(new) for new in rows.values()])
        starts[np.array(list(rows)) - first] = np.append(0, ends[:-1])
        new = np.concatenate(list(rows.values()))
        total = 0
        for run in (self._main, self._delta):
            for at in range(0, len(run), _SCAN):
                total += _move(run.loc[at : at + _SCAN], first, starts, new)
        return total

    def _merge_when_due(self) -> None:
        if max(len(self._delta), self._removed) > max(_MERGE_ABOVE, len(self._main) >> 5):
            self._main = self._main.joined(self._delta)
            self._delta = _empty(self._exact)
            self._removed = 0


def _move(loc: I64, first: int, starts: I64, new: I64) -> int:
    """Move the places that name a file from ``first`` on which has a start in ``new``."""
    last = first + len(starts)
    hit = np.flatnonzero((loc >= first << ROW_BITS) & (loc < last << ROW_BITS))
    start = starts[files_of(loc[hit]) - first]
    hit, start = hit[start != ABSENT], start[start != ABSENT]
    loc[hit] = new[start + rows_of(loc[hit])]
    return len(hit)


def _empty(exact: bool) -> _Run:
    none = np.zeros(0, np.uint64)
    return _Run(none, None if exact else none.copy(), np.zeros(0, np.int64))


def _sorted(parts: list[tuple[hashing.Keys, I64]]) -> _Run:
    """One sorted run of all parts. Empties ``parts``, so that both are never held whole."""
    lo = np.concatenate([keys.lo for keys, _ in parts])
    high = [keys.hi for keys, _ in parts if keys.hi is not None]
    loc = np.concatenate([at for _, at in parts])
    parts.clear()
    hi = np.concatenate(high) if high else None
    high.clear()
    order = np.argsort(lo)
    lo, loc = lo[order], loc[order]
    return _Run(lo, None if hi is None else hi[order], loc)


def _refuse_twice(run: _Run) -> None:
    near = np.flatnonzero(run.lo[1:] == run.lo[:-1])
    if not len(near):
        return
    among = np.unique(np.concatenate([near, near + 1]))
    lo = run.lo[among]
    hi = np.zeros_like(lo) if run.hi is None else run.hi[among]
    order = np.lexsort((hi, lo))
    twice = (lo[order][1:] == lo[order][:-1]) & (hi[order][1:] == hi[order][:-1])
    if not twice.any():
        return
    at = run.loc[among][order][int(np.argmax(twice)) :][:2].tolist()
    one, two = (f"file {place >> ROW_BITS} row {place & _ROW_MASK}" for place in at)
    raise errors.PromiseBroken(
        "lake.key_twice",
        f"{int(twice.sum())} keys of a current-state table are there twice, the first of them in"
        f" {one} and {two}",
        "current-state table",
        "Stop every other writer of the lake; copy the table again from its source.",
    )
