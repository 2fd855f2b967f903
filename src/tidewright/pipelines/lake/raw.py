"""A table that only grows: the raw log of a captured table, or what a connector brought.

The raw log is partitioned by day and source table. Each append makes one small file per
partition; ``upkeep`` merges them in the background, tier by tier, into files that a reader likes.
Merging changes no row, and no order within a transaction.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.typedef import Record

from tidewright.pipelines.lake import compaction

PARTITION = ("partition_date", "source_table")
ORDER = ("_lsn", "_seq")


class RawTable:
    """See the module. ``order``: integer columns that say which of two files came first."""

    def __init__(
        self,
        table: compaction.Files,
        background: compaction.Background = compaction.SHARED,
        policy: compaction.Policy = compaction.RAW,
        partition: Sequence[str] = PARTITION,
        order: Sequence[str] = ORDER,
    ) -> None:
        self._table = table
        self._background = background
        self._policy = policy
        self._partition, self._order = tuple(partition), tuple(order)
        self._settled = set(table.data_files)
        self._started: compaction.Started[compaction.Rewritten] | None = None

    def append(self, rows: pa.Table) -> None:
        """Stage these rows, as one file per partition that they touch."""
        for part in _by_partition(rows, self._partition):
            self._table.add_rows(part)

    def committed(self) -> None:
        """What was staged is visible now; its files may be merged from here on."""
        self._settled = set(self._table.data_files)

    def rolled_back(self) -> None:
        """The table was brought back to its last commit."""
        self._started = None
        self.committed()

    def upkeep(self) -> None:
        """Start merging small files in the background, or stage what was merged. Never waits."""
        if self._started is None:
            self._start()
        elif self._started.job.done:
            started, self._started = self._started, None
            if started.still_holds(self._table):
                done = started.job.result()
                added = [] if done.file is None else [done.file]
                self._table.replace(list(done.alive), added)

    def _start(self) -> None:
        for files in self._partitions():
            chosen = compaction.choose(files, self._policy)
            if chosen:
                work = functools.partial(_merge, self._table, chosen, self._order)
                self._started = self._background.start(self._table, chosen, work)
                return

    def _partitions(self) -> list[list[compaction.Seen]]:
        """The settled files of each partition."""
        files: dict[Record, list[compaction.Seen]] = defaultdict(list)
        for number, file in self._table.data_files.items():
            if number in self._settled:
                seen = compaction.Seen(number, file.rows, 0, file.bytes)
                files[file.data_file.partition].append(seen)
        return list(files.values())


def _merge(
    table: compaction.Files, chosen: tuple[int, ...], order: Sequence[str]
) -> compaction.Rewritten:
    """All rows of these files as one, in the order of the source's commits."""
    ordered = sorted(chosen, key=lambda number: _first(table, number, order))
    every = {n: np.ones(table.data_files[n].rows, np.bool_) for n in ordered}
    return compaction.rewrite(table, every)


def _first(table: compaction.Files, number: int, order: Sequence[str]) -> tuple[int, ...]:
    """Where a file begins in the source's order."""
    row = table.take(number, np.zeros(1, np.int64), order)
    return tuple(row.column(name)[0].as_py() for name in order)


def _by_partition(rows: pa.Table, partition: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of each partition, in order."""
    if not rows.num_rows:
        return
    codes = np.zeros(rows.num_rows, np.int64)
    for name in partition:
        coded = pc.rank(rows.column(name), tiebreaker="dense").to_numpy()
        codes = codes * (int(coded.max()) + 1) + coded
    found = np.unique(codes)
    for code in found.tolist():
        yield rows if len(found) == 1 else rows.filter(pa.array(codes == code))
