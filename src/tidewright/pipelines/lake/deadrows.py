"""Which rows of which data files are dead: one bitmap per file that has any.

The bitmaps mirror the live position deletes plus those staged for the coming commit.
``current`` marks rows dead, ``compaction`` leaves dead rows out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from tidewright.pipelines.lake import keyindex
from tidewright.pipelines.lake.keyindex import I64, Mask


class DeadRows:
    """Dead rows by file number. ``sizes``: the rows of each live file, kept by the owner."""

    def __init__(self) -> None:
        self._dead: dict[int, Mask] = {}
        self._counts: dict[int, int] = {}

    def count(self, file: int) -> int:
        return self._counts.get(file, 0)

    def alive(self, file: int, rows: int) -> Mask:
        """A copy: which of the file's ``rows`` rows live."""
        dead = self._dead.get(file)
        return np.ones(rows, np.bool_) if dead is None else ~dead

    def kill(self, file: int, size: int, rows: I64) -> None:
        """Mark rows of a file of ``size`` rows; none of them is dead yet."""
        if file not in self._dead:
            self._dead[file] = np.zeros(size, np.bool_)
        self._dead[file][rows] = True
        self._counts[file] = self._counts.get(file, 0) + len(rows)

    def forget(self, files: Iterable[int]) -> None:
        """These files are gone."""
        for file in files:
            self._dead.pop(file, None)
            self._counts.pop(file, None)

    def every(self) -> Mapping[int, I64]:
        """All dead rows: file number -> sorted row numbers."""
        return {file: np.flatnonzero(dead) for file, dead in self._dead.items()}


def by_file(places: I64) -> dict[int, I64]:
    """Places grouped: file number -> sorted row numbers."""
    places = np.sort(places)
    files = keyindex.files_of(places)
    cuts = np.flatnonzero(np.diff(files)) + 1
    groups = np.split(places, cuts) if len(places) else []
    return {int(group[0] >> keyindex.ROW_BITS): keyindex.rows_of(group) for group in groups}
