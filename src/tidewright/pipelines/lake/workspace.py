"""The tables of one branch, opened to be written: ordinary Iceberg files that main does not see.

Rows are appended, or a table's rows are replaced as a whole; ``write`` makes everything durable
and says where the branch points from then on. Nothing here touches the catalog.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyiceberg.partitioning import PartitionSpec

from tidewright.pipelines.lake import branches, compaction, durable, inferred, loading, metadata
from tidewright.pipelines.lake import schema as columns
from tidewright.pipelines.lake import table as tables

PLAIN = PartitionSpec(spec_id=0)
KEEP = metadata.Keep()
# Appends of every few seconds become fuller files on the same branch, and so are audited too.
POLICY = compaction.RAW


@dataclass(slots=True)
class _Open:
    table: tables.Table
    added: int = 0


class Workspace:
    """``with Workspace(warehouse, branch) as work``: append, replace, then ``write`` once."""

    def __init__(self, warehouse: Path, branch: branches.Branch) -> None:
        self._warehouse = warehouse
        self._branch = branch
        self._syncer = durable.Syncer()
        self._open: dict[str, _Open] = {}

    def __enter__(self) -> Workspace:
        durable.check_folder(self._warehouse)
        durable.make_folder(self._warehouse, self._warehouse)
        return self

    def __exit__(self, *exc: object) -> None:
        self._syncer.close()

    def has(self, name: str) -> bool:
        return name in self._open or name in self._branch.tables

    def read(self, name: str, only: tuple[str, ...] = ()) -> pa.Table:
        """All rows of a table as the branch has it now; ``only``: these columns."""
        return _rows(self._find(name).table, only)

    def append(self, name: str, rows: pa.Table) -> None:
        """Add rows at the end; new columns appear, absent ones are null."""
        opened = self._ready(name, rows.schema)
        if rows.num_rows:
            opened.table.add_rows(rows)
            opened.added += rows.num_rows

    def replace(self, name: str, rows: pa.Table) -> bool:
        """All rows of the table from now on. False: it has exactly these rows already."""
        if self.has(name) and self._is(name, rows):
            return False
        opened = self._ready(name, rows.schema)
        opened.table.remove(list(opened.table.data_files))
        if rows.num_rows:
            opened.table.add_rows(rows)
        opened.added += rows.num_rows
        return True

    def write(self, fault: Callable[[str], None]) -> Mapping[str, branches.Touched]:
        """Every file of the branch, durable; tables that did not change are not in the answer."""
        told = {metadata.POSITION: self._branch.name, metadata.SOURCE: self._branch.flow}
        tell = tables.Tell(int(time.time() * 1000), told, KEEP)
        touched = {n: o for n, o in self._open.items() if o.table.staged}
        for opened in touched.values():
            self._compact(opened.table)
        prepared = {n: o.table.prepare(tell) for n, o in touched.items()}
        fault("run_data_written")
        self._syncer.wait()
        for name, opened in touched.items():
            opened.table.write_metadata(prepared[name])
        self._syncer.wait()
        fault("run_synced")
        return {n: self._touched(n, o, prepared[n]) for n, o in touched.items()}

    def _touched(self, name: str, opened: _Open, done: tables.Prepared) -> branches.Touched:
        table, point = opened.table, done.point
        dead = sum(len(rows) for rows in table.read_deletes().values())
        rows = sum(f.rows for f in table.data_files.values()) - dead
        base = self._branch.pointers.get(name)
        return branches.Touched(base, point.metadata, point.snapshot, rows, opened.added)

    def _find(self, name: str) -> _Open:
        if name not in self._open:
            location = self._branch.tables[name].metadata
            self._open[name] = _Open(loading.load(self._origin(name), location))
        return self._open[name]

    def _ready(self, name: str, schema: pa.Schema) -> _Open:
        """The table, with every column that the rows have."""
        if self.has(name):
            opened = self._find(name)
            changes = inferred.widened(opened.table.schema, schema, name)
            if changes:
                opened.table.evolve(changes)
            return opened
        made = inferred.iceberg_schema(schema, name)
        self._open[name] = _Open(loading.create(self._origin(name), made, PLAIN, {}))
        return self._open[name]

    def _origin(self, name: str) -> loading.Origin:
        return loading.Origin(name, self._warehouse, self._syncer.add)

    def _is(self, name: str, rows: pa.Table) -> bool:
        table = self._find(name).table
        if {f.name for f in table.schema.fields} != set(rows.column_names):
            return False
        try:
            same = columns.conform(rows, columns.arrow_schema(table.schema))
        except pa.ArrowException:
            return False
        present = self.read(name)
        plain = same.replace_schema_metadata().cast(present.schema)
        return bool(plain.equals(present))

    def _compact(self, table: tables.Table) -> None:
        settled = [e.file for m in table.state.data for e in m.entries.values()]
        alive = [f for f in settled if f.number in table.data_files]
        seen = [compaction.Seen(f.number, f.rows, 0, f.bytes) for f in alive]
        chosen = compaction.choose(seen, POLICY) if not table.delete_files else ()
        if chosen:
            every = {n: np.ones(table.data_files[n].rows, np.bool_) for n in chosen}
            done = compaction.rewrite(table, every)
            table.replace(list(chosen), [] if done.file is None else [done.file])


def read(warehouse: Path, name: str, location: str) -> pa.Table:
    """All rows of a table as one metadata file has it."""
    origin = loading.Origin(name, warehouse, lambda path: None)
    return _rows(loading.load(origin, location), ())


def _rows(table: tables.Table, only: tuple[str, ...]) -> pa.Table:
    wanted = list(only) or [f.name for f in table.schema.fields]
    dead = table.read_deletes()
    parts = [_living(table.read(n, wanted), dead.get(n)) for n in sorted(table.data_files)]
    if parts:
        return pa.concat_tables(parts)
    arrow = columns.arrow_schema(table.schema)
    return pa.schema([arrow.field(n) for n in wanted]).remove_metadata().empty_table()


def _living(rows: pa.Table, dead: np.ndarray | None) -> pa.Table:
    if dead is None or not len(dead):
        return rows
    alive = np.ones(rows.num_rows, np.bool_)
    alive[dead] = False
    return rows.filter(pa.array(alive))
