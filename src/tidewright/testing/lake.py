"""A lake table in memory with the contract of ``pipelines.lake.table.Table``, and a background
whose work is run by hand.

Columns are kept by field id, so renames, added and dropped columns read back as from files.
Nothing is written; ``contents`` is what a reader of the last commit would see.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record

from tidewright.pipelines.lake import compaction
from tidewright.pipelines.lake import schema as columns
from tidewright.pipelines.lake.files import LiveFile


@dataclass(frozen=True, slots=True)
class Version:
    """One state of the table: files, what they hold, and groups of deletes in order."""

    schema: Schema
    files: Mapping[int, LiveFile] = field(default_factory=dict)
    deletes: tuple[Mapping[int, np.ndarray], ...] = ()


class FakeTable:
    """See the module. ``partition``: names of the columns that a file may hold one value of."""

    _now: Version

    def __init__(
        self, schema: Schema, partition: Sequence[str] = (), part_rows: int = 1000
    ) -> None:
        self.name = "fake.table"
        self._partition = partition
        self._part_rows = part_rows
        self._numbers = itertools.count()
        self._rows: dict[int, pa.Table] = {}
        self._committed = Version(schema)
        self.discard()

    @property
    def schema(self) -> Schema:
        return self._now.schema

    @property
    def data_files(self) -> Mapping[int, LiveFile]:
        return dict(self._now.files)

    @property
    def delete_files(self) -> Mapping[int, LiveFile]:
        """As in the real table: of the last commit."""
        return {n: _live(n, 0, 0, Record()) for n, _ in enumerate(self._committed.deletes)}

    # -- staging ----------------------------------------------------------------------------

    def add_rows(self, rows: pa.Table) -> LiveFile:
        file = self.write(rows)
        self._now = replace(self._now, files={**self._now.files, file.number: file})
        return file

    def write(self, rows: pa.Table | Iterable[pa.Table]) -> LiveFile:
        table = rows if isinstance(rows, pa.Table) else pa.concat_tables(rows)
        assert table.num_rows
        values = [table.column(name).unique() for name in self._partition]
        assert all(len(v) == 1 for v in values), "rows of several partitions"
        number = next(self._numbers)
        target = columns.arrow_schema(self.schema)
        kept = columns.conform(table, target).cast(target)
        ids = [str(f.field_id) for f in self.schema.fields]
        self._rows[number] = kept.rename_columns(ids)
        return _live(number, table.num_rows, table.nbytes, Record(*[v[0].as_py() for v in values]))

    def set_deletes(self, new: Mapping[int, np.ndarray]) -> None:
        """Add deletes that are new: sorted, of live files, and of no row that is dead already."""
        before = self.read_deletes()
        for number, rows in new.items():
            assert (np.diff(rows) > 0).all(), "not sorted"
            assert rows[-1] < self._now.files[number].rows
            assert not np.isin(rows, before.get(number, [])).any(), "killed twice"
        if new:
            self._now = replace(self._now, deletes=(*self._now.deletes, dict(new)))

    def replace(
        self,
        removed: Sequence[int],
        added: Sequence[LiveFile],
        all_deletes: Mapping[int, np.ndarray] | None = None,
    ) -> list[LiveFile]:
        files = {n: f for n, f in self._now.files.items() if n not in removed}
        assert len(files) == len(self._now.files) - len(removed), "removes what is not there"
        files |= {f.number: f for f in added}
        deletes = self._now.deletes if all_deletes is None else (dict(all_deletes),)
        assert all_deletes is None or all_deletes.keys() <= files.keys(), "deletes of no file"
        self._now = replace(self._now, files=files, deletes=deletes)
        return list(added)

    def remove(self, removed: Sequence[int]) -> None:
        self.replace(removed, ())

    def evolve(self, changes: Sequence[columns.Change]) -> None:
        last = max(f.field_id for f in self.schema.fields)
        bound = frozenset(self.schema.identifier_field_ids)
        schema, _ = columns.evolve(self.schema, changes, last, bound)
        self._now = replace(self._now, schema=schema)

    # -- reading ----------------------------------------------------------------------------

    def read(self, number: int, names: Sequence[str]) -> pa.Table:
        assert number in self._now.files
        return self._project(number, [self.schema.find_field(name).field_id for name in names])

    def read_parts(self, number: int, names: Sequence[str]) -> Iterator[pa.Table]:
        whole = self.read(number, names)
        for first in range(0, whole.num_rows, self._part_rows):
            yield whole.slice(first, self._part_rows)

    def take(self, number: int, rows: np.ndarray, names: Sequence[str]) -> pa.Table:
        return self.read(number, names).take(pa.array(rows))

    def read_deletes(self) -> Mapping[int, np.ndarray]:
        """All dead rows of live files, staged ones included."""
        every: dict[int, np.ndarray] = {}
        for group in self._now.deletes:
            for number, rows in group.items():
                if number in self._now.files:
                    have = every.get(number, np.zeros(0, np.int64))
                    every[number] = np.sort(np.concatenate([have, rows]))
        return every

    def _project(self, number: int, ids: Sequence[int]) -> pa.Table:
        held = self._rows[number]
        found = {}
        for field_id in ids:
            wanted = self.schema.find_field(field_id)
            type_ = columns.arrow_type(wanted.field_type)
            there = str(field_id) in held.column_names
            found[wanted.name] = (
                held.column(str(field_id)).cast(type_) if there else pa.nulls(held.num_rows, type_)
            )
        return pa.table(found)

    # -- committing -------------------------------------------------------------------------

    def commit(self) -> None:
        self._committed = self._now

    def discard(self) -> None:
        self._now = self._committed

    def reopened(self) -> FakeTable:
        """The last commit as another process finds it: other file numbers, another order."""
        other = FakeTable(self._committed.schema, self._partition, self._part_rows)
        other._numbers = itertools.count(len(self._rows) + 100)
        held = self._committed.files
        numbers = {old: next(other._numbers) for old in reversed(list(held))}
        other._rows = {new: self._rows[old] for old, new in numbers.items()}
        files = {new: replace(held[old], number=new) for old, new in numbers.items()}
        deletes = [
            {numbers[n]: rows for n, rows in group.items() if n in numbers}
            for group in self._committed.deletes
        ]
        other._committed = Version(self._committed.schema, files, tuple(filter(None, deletes)))
        other.discard()
        return other

    def contents(self) -> list[dict[str, Any]]:
        """The rows that a reader of the last commit sees."""
        now, self._now = self._now, self._committed
        dead = self.read_deletes()
        names = [f.name for f in self.schema.fields]
        rows: list[dict[str, Any]] = []
        for number in self._now.files:
            gone = set(dead.get(number, np.zeros(0, np.int64)).tolist())
            found = self.read(number, names).to_pylist()
            rows += [row for at, row in enumerate(found) if at not in gone]
        self._now = now
        return rows


class ByHand(compaction.Background):
    """A background whose work waits until ``run``: compaction then races by our choice."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: compaction.Job[Any] | None = None

    def _launch(self, job: compaction.Job[Any]) -> None:
        self._waiting = job

    def run(self) -> bool:
        """Do the waiting work, if any."""
        job, self._waiting = self._waiting, None
        if job is not None:
            job.run()
        return job is not None


def _live(number: int, rows: int, size: int, partition: Record) -> LiveFile:
    data_file = DataFile.from_args(file_path=f"memory:{number}", partition=partition)
    return LiveFile(number, f"memory:{number}", rows, size, data_file)
