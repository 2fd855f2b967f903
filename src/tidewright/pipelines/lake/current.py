"""The exact current state of one table: changes in, one data file and position deletes out.

A ``CurrentTable`` owns the key index and the dead rows of a lake table; both are rebuilt from the
files at start. It stages, the store commits. Memory is bounded by the rows of one ``apply``, not
of a commit. Compaction runs beside it; what of it is seen here is ``upkeep``.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewright import errors
from tidewright.pipelines.lake import compaction, deadrows, hashing, keyindex
from tidewright.pipelines.lake import schema as columns
from tidewright.pipelines.lake.files import LiveFile
from tidewright.pipelines.lake.keyindex import I64

DELETE = ord("d")


class CurrentTable:
    """See the module. ``key``: names of the key columns, followed through later renames."""

    _index: keyindex.KeyIndex
    _dead: deadrows.DeadRows
    _exact: bool
    _settled: set[int]
    _started: compaction.Started[compaction.Rewritten] | None
    _after_single: bool

    def __init__(
        self,
        table: compaction.Files,
        key: Sequence[str],
        background: compaction.Background = compaction.SHARED,
        policy: compaction.Policy = compaction.CURRENT,
    ) -> None:
        self._table = table
        self._key_ids = [table.schema.find_field(name).field_id for name in key]
        self._secret = secrets.token_bytes(hashing.SECRET_BYTES)
        self._background = background
        self._policy = policy
        self._rebuild()

    def rows(self) -> int:
        """How many rows there are, staged changes included."""
        return self._index.count

    # -- changes ----------------------------------------------------------------------------

    def apply(self, op: npt.NDArray[np.uint8], rows: pa.Table) -> None:
        """Stage changes in order. Only the last of each key counts; a known key is replaced.

        A delete needs only its key columns; one of a key that the lake never
        saw does nothing: what came and went between two commits looks like that.
        """
        keys = self._keys(rows)
        last = keys.last_of_each()
        gone = op[last] == DELETE
        replaced = self._put(keys, last[~gone], rows)
        removed = self._index.remove(keys.take(last[gone]))
        old = np.concatenate([replaced, removed])
        self._kill(old[old != keyindex.ABSENT])

    def _put(self, keys: hashing.Keys, chosen: I64, rows: pa.Table) -> I64:
        """Write the chosen rows as one file, in their order; returns the places they replace."""
        if not len(chosen):
            return np.zeros(0, np.int64)
        order = np.sort(chosen)
        whole = len(order) == rows.num_rows
        file = self._table.add_rows(rows if whole else rows.take(pa.array(order)))
        row_of = np.empty(rows.num_rows, np.int64)
        row_of[order] = np.arange(len(order))
        return self._index.apply(keys.take(chosen), keyindex.places(file.number, row_of[chosen]))

    def _kill(self, places: I64) -> None:
        dead = deadrows.by_file(places)
        for file, at in dead.items():
            self._dead.kill(file, self._table.data_files[file].rows, at)
        if dead:
            self._table.set_deletes(dead)

    def truncate(self) -> None:
        """Stage the removal of every row."""
        self._table.remove(list(self._table.data_files))
        self._index = keyindex.KeyIndex(self._exact)
        self._dead = deadrows.DeadRows()

    def fetch(self, keys: pa.Table, names: Sequence[str]) -> pa.Table:
        """Present values of these columns for each key, in the order of ``keys``."""
        found = self._index.lookup(self._keys(keys))
        missing = int(np.count_nonzero(found == keyindex.ABSENT))
        if missing:
            raise errors.PromiseBroken(
                "lake.key_missing",
                f"{missing} of {len(found)} rows that keep an unchanged value are not in the lake",
                f"table {self._table.name}",
                "Run verify, and copy the table again from its source.",
            )
        if not len(found):
            return pa.table({n: pa.nulls(0, self._arrow_type(n)) for n in names})
        unique, places = np.unique(found, return_inverse=True)
        parts = [self._table.take(f, at, names) for f, at in deadrows.by_file(unique).items()]
        return pa.concat_tables(parts).take(pa.array(places))

    def committed(self) -> None:
        """What was staged is visible now; its files may be compacted from here on."""
        self._settled = set(self._table.data_files)

    def rolled_back(self) -> None:
        """The table was brought back to its last commit: start again from its files."""
        self._rebuild()

    # -- compaction -------------------------------------------------------------------------

    def upkeep(self) -> None:
        """Start a background compaction, or stage the result of one. Never waits."""
        if self._started is None:
            self._start()
        elif self._started.job.done:
            started, self._started = self._started, None
            if started.still_holds(self._table):
                self._join(started.job.result())

    def _start(self) -> None:
        files = self._table.data_files
        seen = [
            compaction.Seen(n, f.rows, self._dead.count(n), f.bytes)
            for n, f in files.items()
            if n in self._settled
        ]
        chosen = compaction.choose(seen, self._policy, self._after_single)
        if chosen:
            alive = {n: self._dead.alive(n, files[n].rows) for n in chosen}
            work = functools.partial(compaction.rewrite, self._table, alive)
            self._started = self._background.start(self._table, chosen, work)
        elif self._many_delete_files:
            self._table.replace((), (), self._dead.every())

    @property
    def _many_delete_files(self) -> bool:
        return len(self._table.delete_files) > self._policy.delete_files

    def _join(self, done: compaction.Rewritten) -> None:
        """Stage a compaction; rows that died since it began are dead in the new file too."""
        self._after_single = len(done.alive) == 1
        added = [] if done.file is None else [done.file]
        late = {} if done.file is None else self._move(done, done.file)
        self._dead.forget(done.alive)
        if self._many_delete_files:
            self._table.replace(list(done.alive), added, self._dead.every())
        else:
            self._table.replace(list(done.alive), added)
            self._table.set_deletes(late)

    def _move(self, done: compaction.Rewritten, file: LiveFile) -> Mapping[int, I64]:
        """Point the index to the new file; returns its rows that are dead already."""
        self._index.moved({n: keyindex.places(file.number, at) for n, at in done.rows.items()})
        died = [
            done.rows[n][alive & ~self._dead.alive(n, len(alive))]
            for n, alive in done.alive.items()
        ]
        late = np.sort(np.concatenate(died))
        if not len(late):
            return {}
        self._dead.kill(file.number, file.rows, late)
        return {file.number: late}

    def _arrow_type(self, name: str) -> pa.DataType:
        return columns.arrow_type(self._table.schema.find_field(name).field_type)

    # -- from the files ---------------------------------------------------------------------

    def _rebuild(self) -> None:
        files = self._table.data_files
        self._started = None
        self._after_single = False
        self._settled = set(files)
        self._dead = deadrows.DeadRows()
        for number, rows in self._table.read_deletes().items():
            self._dead.kill(number, files[number].rows, np.unique(rows))
        self._exact = hashing.exact(self._key_schema().types)
        self._index = keyindex.KeyIndex.build(self._exact, self._living())

    def _living(self) -> Iterator[tuple[hashing.Keys, I64]]:
        """The keys and places of all living rows, file by file."""
        names = self._key_schema().names
        for number, file in self._table.data_files.items():
            alive = np.flatnonzero(self._dead.alive(number, file.rows))
            keys = self._keys(self._table.read(number, names))
            yield keys.take(alive), keyindex.places(number, alive)

    def _keys(self, rows: pa.Table) -> hashing.Keys:
        """Keys by the values that files hold, whatever types ``rows`` came with."""
        typed = columns.conform(rows, self._key_schema())
        return hashing.keys_of(typed, typed.column_names, self._secret)

    def _key_schema(self) -> pa.Schema:
        return pa.schema(
            [
                pa.field(f.name, columns.arrow_type(f.field_type))
                for f in self._table.schema.fields
                if f.field_id in self._key_ids
            ]
        )
