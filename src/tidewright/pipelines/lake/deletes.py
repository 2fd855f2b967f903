"""The live position-delete files of one table, and how a commit adds to them at a flat cost.

New deletes are merged with the small delete file of the commits before until that has grown to
``SMALL`` rows, so that readers meet few delete files and a commit writes a bounded one. A delete
file whose data files are all gone is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tidewright.pipelines.lake import files

SMALL = 20_000
Positions = Mapping[int, np.ndarray]


@dataclass(frozen=True, slots=True)
class Dead:
    """One live delete file. ``about``: the data files it names; ``positions`` only while small."""

    file: files.LiveFile
    about: frozenset[int]
    positions: Positions | None


@dataclass(slots=True)
class Staged:
    """Deletes of the coming commit. ``all``: when set, every live delete file is replaced."""

    new: dict[int, np.ndarray] = field(default_factory=dict)
    all: Positions | None = None

    def add(self, deletes: Positions) -> None:
        self.new = merge(self.new, deletes)

    def restart(self, every: Positions) -> None:
        """``every`` holds all dead rows, those staged before included."""
        self.new, self.all = {}, every


@dataclass(frozen=True, slots=True)
class Plan:
    """Positions to write into one new file (maybe none), and delete files that go."""

    positions: Positions
    gone: frozenset[int]


def merge(one: Positions, other: Positions) -> dict[int, np.ndarray]:
    """Sorted row numbers of both, by data file."""
    merged = dict(one)
    for number, rows in other.items():
        if not len(rows):
            continue
        if number in merged:
            # Two sorted runs: the stable sort merges them in one pass.
            rows = np.sort(np.concatenate([merged[number], rows]), kind="stable")
        merged[number] = rows
    return merged


def plan(dead: Mapping[int, Dead], staged: Staged, live: Mapping[int, files.LiveFile]) -> Plan:
    """What the coming commit does to the delete files. ``live``: data files after it."""
    if staged.all is not None:
        return Plan(_of_live(merge(staged.all, staged.new), live), frozenset(dead))
    gone = {n for n, d in dead.items() if d.about.isdisjoint(live)}
    if not staged.new:
        return Plan({}, frozenset(gone))
    positions: Positions = staged.new
    for number, file in dead.items():
        if file.positions is not None and number not in gone:
            positions = merge(file.positions, positions)
            gone.add(number)
    return Plan(_of_live(positions, live), frozenset(gone))


def _of_live(positions: Positions, live: Mapping[int, files.LiveFile]) -> dict[int, np.ndarray]:
    return {n: rows for n, rows in positions.items() if n in live and len(rows)}


def remember(file: files.LiveFile, positions: Positions) -> Dead:
    """A delete file that was just written or read."""
    return Dead(file, frozenset(positions), positions if file.rows < SMALL else None)


def by_number(
    found: Mapping[str, np.ndarray], live: Mapping[int, files.LiveFile]
) -> dict[int, np.ndarray]:
    """Positions of a delete file by data file number; data files that are gone are left out."""
    numbers = {f.uri: n for n, f in live.items()}
    return {numbers[u]: rows for u, rows in found.items() if u in numbers}
