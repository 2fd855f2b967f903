"""One live Iceberg table: its files in memory, and what is staged for the next commit.

A table is changed by staging (``add_rows``, ``set_deletes``, ``replace``, ``remove``, ``evolve``)
and only the store's commit makes that visible. After a failed commit the store reads its tables
again; nothing here is undone. ``write`` and ``read`` may run in another thread, the rest may not.
What a commit writes is in ``snapshots``; reading a table from disk is in ``loading``.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record

from tidewright import errors
from tidewright.pipelines.lake import catalog, deletes, durable, files, metadata, snapshots, summary
from tidewright.pipelines.lake import schema as columns

LiveFile = files.LiveFile
ROWS_PER_GROUP = "write.parquet.row-group-limit"
NOTHING = summary.Acts()


@dataclass(frozen=True, slots=True)
class Tell:
    """What a commit tells each of its tables. ``facts``: position and source, for properties."""

    now_ms: int
    facts: Mapping[str, str]
    keep: metadata.Keep


@dataclass(frozen=True, slots=True)
class Prepared:
    """A commit of one table, written but not yet visible.

    ``retired`` are files that the new snapshot no longer needs and older ones still do;
    ``free`` are those that nothing listed needs any more.
    """

    state: snapshots.State
    dead: Mapping[int, deletes.Dead]
    retired: tuple[str, ...]
    free: tuple[str, ...]

    @property
    def point(self) -> catalog.TablePoint:
        """Where the table stands once this is visible."""
        return _point(self.state)


@dataclass(slots=True)
class _Staged:
    """What the next commit does. ``schema``: new columns and the last field id given out.

    ``unused``: files that were added and removed again before any commit saw them.
    """

    added: dict[int, LiveFile] = field(default_factory=dict)
    removed: dict[int, LiveFile] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    deletes: deletes.Staged = field(default_factory=deletes.Staged)
    acts: summary.Acts = NOTHING
    schema: tuple[Schema, int] | None = None
    properties: dict[str, str] = field(default_factory=dict)


class Table:
    """The live view of one table, with staging. Made by ``Store.create`` and ``loading.load``."""

    def __init__(
        self,
        name: str,
        place: snapshots.Place,
        state: snapshots.State,
        dead: Mapping[int, deletes.Dead],
    ) -> None:
        self.name = name
        self._place = place
        self._state = state
        self._dead = dict(dead)
        self._retired: deque[tuple[int, tuple[str, ...]]] = deque()
        self._files: dict[int, LiveFile] = {}
        self._staged = _Staged()
        self._layout = self._new_layout()
        self.discard()

    # -- the live view ----------------------------------------------------------------------

    @property
    def schema(self) -> Schema:
        """The columns, staged changes included."""
        return self._staged.schema[0] if self._staged.schema else self._state.metadata.schema

    @property
    def spec(self) -> PartitionSpec:
        return self._state.metadata.spec

    @property
    def properties(self) -> Mapping[str, str]:
        return {**self._state.metadata.properties, **self._staged.properties}

    @property
    def metadata(self) -> metadata.Metadata:
        return self._state.metadata

    @property
    def state(self) -> snapshots.State:
        """The table as of its last commit."""
        return self._state

    @property
    def snapshot_id(self) -> int | None:
        current = self._state.metadata.current
        return None if current is None else current.id

    @property
    def data_files(self) -> Mapping[int, LiveFile]:
        """Live data files by number, staged ones included, staged removals not."""
        return MappingProxyType(self._files)

    @property
    def delete_files(self) -> Mapping[int, LiveFile]:
        """Live position-delete files of the last commit."""
        return {n: d.file for n, d in self._dead.items()}

    @property
    def point(self) -> catalog.TablePoint:
        """Where the table stands; only after its first commit."""
        return _point(self._state)

    @property
    def staged(self) -> bool:
        """Whether the next commit touches this table."""
        fresh = self._state.location is None
        return bool(fresh or self._moves_rows or self._staged.schema or self._staged.properties)

    @property
    def _moves_rows(self) -> bool:
        waiting = self._staged.deletes.new or self._staged.deletes.all is not None
        return bool(self._staged.added or self._staged.removed or waiting)

    # -- staging ----------------------------------------------------------------------------

    def add_rows(self, rows: pa.Table) -> LiveFile:
        """Write ``rows`` (of one partition) as one data file, part of the next commit."""
        file = self.write(rows)
        self._stage(file)
        self._staged.acts = replace(self._staged.acts, appended=True)
        return file

    def write(self, rows: pa.Table | Iterable[pa.Table]) -> LiveFile:
        """Write a data file without staging it, for ``replace``; may run in another thread.

        Parts of an iterable are written one by one, so that only one is in memory.
        """
        how, parts = self._layout, iter([rows] if isinstance(rows, pa.Table) else rows)
        first = next(parts)
        file = files.write_rows(
            self._place.folder / "data",
            self._place.number(),
            itertools.chain([first], parts),
            how,
            self._partition(first),
        )
        self._place.on_file(file.path)
        return file

    def set_deletes(self, new: Mapping[int, np.ndarray]) -> None:
        """Stage deletes that are new: file number -> sorted row numbers."""
        self._refuse_partitioned()
        if any(len(rows) for rows in new.values()):
            self._staged.deletes.add(new)
            self._staged.acts = replace(self._staged.acts, deleted=True)

    def replace(
        self,
        removed: Sequence[int],
        added: pa.Table | Sequence[LiveFile],
        all_deletes: Mapping[int, np.ndarray] | None = None,
    ) -> list[LiveFile]:
        """Stage a compaction: the same rows in other files.

        ``all_deletes`` are all dead rows of all files from now on, those staged so far included:
        every live delete file is replaced by one. None: they stay, as far as they are needed.
        """
        news = [self.write(added)] if isinstance(added, pa.Table) else list(added)
        for file in news:
            self._stage(file)
        self._remove(removed)
        self._staged.acts = replace(self._staged.acts, rewritten=True)
        if all_deletes is not None:
            self._refuse_partitioned()
            self._staged.deletes.restart(all_deletes)
        return news

    def remove(self, removed: Sequence[int]) -> None:
        """Stage the logical deletion of whole files (a truncate)."""
        self._remove(list(removed))
        self._staged.acts = replace(
            self._staged.acts, deleted=self._staged.acts.deleted or bool(removed)
        )

    def overwrite(self, added: Sequence[LiveFile]) -> None:
        """Stage these files, already written, in the place of every row that is there."""
        self.remove(list(self._files))
        for file in added:
            self._stage(file)
        self._staged.acts = replace(self._staged.acts, appended=True, deleted=True)

    def evolve(self, changes: Sequence[columns.Change]) -> None:
        """Stage changes of the columns; files written from now on have the new ones."""
        now = self._state.metadata
        bound = frozenset(now.schema.identifier_field_ids) | {f.source_id for f in self.spec.fields}
        schema, last = self._staged.schema or (now.schema, now.last_column)
        self._staged.schema = columns.evolve(schema, changes, last, bound)
        self._layout = self._new_layout()

    def set_properties(self, properties: Mapping[str, str]) -> None:
        """Stage table properties."""
        self._staged.properties |= properties

    def discard(self) -> None:
        """Forget what is staged; its files become orphans."""
        self._files = {n: e.file for m in self._state.data for n, e in m.entries.items()}
        self._staged = _Staged()
        self._layout = self._new_layout()

    def _stage(self, file: LiveFile) -> None:
        self._staged.added[file.number] = self._files[file.number] = file

    def _remove(self, removed: Sequence[int]) -> None:
        for number in removed:
            file = self._files.pop(number)
            if self._staged.added.pop(number, None) is None:
                self._staged.removed[number] = file
            else:
                self._staged.unused.append(file.path)

    def _new_layout(self) -> files.Layout:
        limit = self.properties.get(ROWS_PER_GROUP)
        return files.layout(self.schema, int(limit) if limit else files.ROWS_PER_GROUP)

    def _partition(self, rows: pa.Table) -> Record:
        """The partition values of ``rows``; raises when there is not exactly one set of them."""
        values = []
        for part in self.spec.fields:
            name = self.schema.find_field(part.source_id).name
            found = rows.column(name).unique()
            if len(found) != 1:
                raise _bug(
                    "lake.mixed_partition",
                    f"rows of {len(found)} partitions of {name} were to become one file",
                    f"table {self.name}",
                )
            physical = found.cast(pa.int32()) if pa.types.is_date32(found.type) else found
            values.append(physical[0].as_py())
        return Record(*values)

    def _refuse_partitioned(self) -> None:
        if self.spec.fields:
            what = "position deletes were staged for a table with partitions"
            raise _bug("lake.partitioned_deletes", what, f"table {self.name}")

    # -- reading ----------------------------------------------------------------------------

    def read(self, number: int, names: Sequence[str]) -> pa.Table:
        """Columns of one data file in the present schema, dead rows included, in file order."""
        return files.read_rows(self._files[number], self._target(names))

    def read_parts(self, number: int, names: Sequence[str]) -> Iterator[pa.Table]:
        """The same, one row group after the other."""
        return files.read_groups(self._files[number], self._target(names))

    def take(self, number: int, rows: np.ndarray, names: Sequence[str]) -> pa.Table:
        """Some rows (sorted numbers) of one data file."""
        return files.take_rows(self._files[number], rows, self._target(names))

    def _target(self, names: Sequence[str]) -> pa.Schema:
        return pa.schema([self._layout.arrow.field(n) for n in names])

    def read_deletes(self) -> dict[int, np.ndarray]:
        """All dead rows as the live delete files name them: file number -> sorted rows."""
        every: dict[int, np.ndarray] = {}
        for dead in self._dead.values():
            found = dead.positions
            if found is None:
                found = deletes.by_number(files.read_deletes(dead.file), self._files)
            every = deletes.merge(every, found)
        return {n: rows for n, rows in every.items() if n in self._files}

    # -- committing, called by the store ----------------------------------------------------

    def prepare(self, tell: Tell) -> Prepared:
        """Write everything of the coming commit but the metadata file."""
        now = self._state
        at_ms = max(tell.now_ms, now.metadata.updated_ms)
        written = None
        if self._moves_rows:
            written = snapshots.write(self._work(), self._place, at_ms, tell.facts)
        change = metadata.Change(
            at_ms,
            {**tell.facts, **self._staged.properties},
            written.snapshot if written else None,
            self._staged.schema,
            now.location,
        )
        after, expired, old = metadata.apply(now.metadata, change, tell.keep)
        location = durable.uri(self._place.metadata(metadata.file_name(after.version)))
        state = replace(written.state if written else now, metadata=after, location=location)
        free = (*old, *(s.manifests for s in expired))
        dead, retired = (written.dead, written.retired) if written else (self._dead, ())
        return Prepared(state, dead, retired, (*map(durable.local, free), *self._staged.unused))

    def write_metadata(self, prepared: Prepared) -> None:
        """The metadata file: the last one that a commit needs."""
        path = durable.local(prepared.point.metadata)
        durable.write_bytes(path, metadata.text(prepared.state.metadata).encode())
        self._place.on_file(path)

    def advance(self, prepared: Prepared) -> list[str]:
        """The commit is visible: it is the table's state. Returns files nothing listed needs."""
        self._state, self._dead = prepared.state, dict(prepared.dead)
        self._retired.append((prepared.state.metadata.last_sequence, prepared.retired))
        self._staged = _Staged()
        self._layout = self._new_layout()
        free = list(prepared.free)
        kept = prepared.state.metadata.snapshots
        oldest = kept[0].sequence if kept else 0
        # A file retired by snapshot n is needed by those before n, and by no other.
        while self._retired and self._retired[0][0] <= oldest:
            free += self._retired.popleft()[1]
        return free

    def every_file(self) -> list[str]:
        """All files that this table still has, for when it is replaced as a whole."""
        state = self._state
        lines = (*state.data, *state.deletes)
        named = [state.location, *(at for at, _ in state.metadata.log)]
        named += [s.manifests for s in state.metadata.snapshots] + [m.location for m in lines]
        rows = [e.file.path for m in lines for e in m.entries.values()]
        retired = [path for _, paths in self._retired for path in paths]
        return [durable.local(n) for n in named if n] + rows + retired

    def _work(self) -> snapshots.Work:
        return snapshots.Work(
            self._state, self.schema, self._dead, self._files, tuple(self._staged.added.values()),
            tuple(self._staged.removed.values()), self._staged.deletes, self._staged.acts,
        )  # fmt: skip


def _point(state: snapshots.State) -> catalog.TablePoint:
    assert state.location is not None
    current = state.metadata.current
    return catalog.TablePoint(None if current is None else current.id, state.location)


def _bug(code: str, what: str, where: str) -> errors.Bug:
    return errors.Bug(code, what, where, "Report this with the log of the service.")
