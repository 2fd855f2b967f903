"""One Delta table of one flow: opened at its last commit, and committed with its position.

The position is a Delta transaction identifier (``txn`` with appId and version), so rows and
position become visible together or not at all; whoever opens the table reads it back from there.
Delta itself refuses a commit when another writer of the same flow committed in between.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import exceptions, transaction

from tidewright import errors
from tidewright.kit import files as kit
from tidewright.pipelines.core import faults
from tidewright.pipelines.delta import files

SOURCE = "tidewright.source"
LOG = "_delta_log"
# Readers have this long for a version that is not the newest any more; the log forgets with it.
KEPT_MINUTES = 15
_SETTINGS = {
    "delta.checkpointInterval": "100",
    "delta.logRetentionDuration": f"interval {KEPT_MINUTES} minutes",
    "delta.deletedFileRetentionDuration": f"interval {KEPT_MINUTES} minutes",
}


class Lost(errors.StepFailed, errors.Transient):
    """The disk refused; nothing of the commit is visible, and the same act may succeed later."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a table is: name, columns, and the column it is partitioned by."""

    name: str
    columns: pa.Schema
    partition: str | None = None

    @property
    def stored(self) -> pa.Schema:
        """The columns in the files: Delta keeps a partition's value outside."""
        return pa.schema([f for f in self.columns if f.name != self.partition])


@dataclass(frozen=True, slots=True)
class Commit:
    """Rows to add by partition value, partitions whose files they replace, and how far it is.

    ``marks``: further numbers of the flow that belong to the position, such as a watermark.
    """

    position: int
    added: Sequence[tuple[str | None, pa.Table]]
    replaced: Sequence[str] = ()
    marks: Mapping[str, int] = field(default_factory=dict)


class Table:
    """Open it with ``open_table``; used from one thread."""

    def __init__(self, root: Path, shape: Shape, flow: str, fault: faults.Fault) -> None:
        self.root, self.shape = root, shape
        self._flow, self._fault = flow, fault
        self._delta = deltalake.DeltaTable(root)
        self._schema = deltalake.Schema.from_arrow(shape.columns)

    @property
    def position(self) -> int:
        """How far the flow is in this table; 0 before its first commit."""
        return self._delta.transaction_version(self._flow) or 0

    def mark(self, name: str) -> int | None:
        """A number that was committed beside the position."""
        return self._delta.transaction_version(f"{self._flow}/{name}")

    @property
    def version(self) -> int:
        return self._delta.version()

    def check(self, source: str) -> None:
        """Refuse a table whose position belongs to another source."""
        known = self._delta.metadata().configuration.get(SOURCE)
        if known != source:
            raise errors.Refused(
                "lake.delta_other_source",
                f"its position belongs to {known}, the topic is {source}",
                f"Delta table {self.shape.name}",
                "Restore topic and Delta tables from one backup, or begin anew with destroy.",
            )  # fmt: skip

    def rows(self, partition: str) -> pa.Table:
        """The rows of one partition, without the partition's column."""
        paths = [self.root / name for name in self.live(partition)]
        found = [pq.read_table(p, partitioning=None) for p in paths]
        return pa.concat_tables([self.shape.stored.empty_table(), *found])

    def count(self) -> int:
        """Rows, from the statistics in the log: no file is read."""
        return int(self._delta.count())

    def live(self, partition: str | None = None) -> tuple[str, ...]:
        """The files of the newest version, as paths below the table."""
        root = str(self.root)
        found = [u.removeprefix("file://").removeprefix(root) for u in self._delta.file_uris()]
        folder = "" if partition is None else f"{self.shape.partition}={partition}/"
        return tuple(sorted(n for u in found if (n := u.lstrip("/")).startswith(folder)))

    def commit(self, news: Commit) -> None:
        """Rows and position, visible together. Raises Lost, or Refused for a second writer."""
        try:
            self._commit(news)
        except exceptions.CommitFailedError as reason:
            self._settle(news.position, reason)
        except (OSError, exceptions.DeltaError) as reason:
            self._delta = deltalake.DeltaTable(self.root)
            if self.position != news.position:
                raise _lost(self.shape.name, reason) from None

    def _commit(self, news: Commit) -> None:
        now = int(time.time() * 1000)
        written = [
            files.write(self.root, rows, self._place(value))
            for value, rows in news.added
            if rows.num_rows
        ]
        self._fault("delta_written")
        actions: list[transaction.AddAction | transaction.RemoveAction] = []
        for file in written:
            place = dict([file.partition] if file.partition else [])
            add = transaction.AddAction(file.path, file.bytes, place, now, True, file.stats)
            actions.append(add)
        for value in news.replaced:
            actions += [transaction.RemoveAction(p, True, now) for p in self.live(value)]
        numbers = {self._flow: news.position}
        numbers |= {f"{self._flow}/{name}": number for name, number in news.marks.items()}
        told = [deltalake.Transaction(app, number) for app, number in numbers.items()]
        self._delta.create_write_transaction(
            actions, "append", self._schema, [self.shape.partition] if self.shape.partition else [],
            commit_properties=deltalake.CommitProperties(app_transactions=told),
        )  # fmt: skip
        self._delta.update_incremental()
        self._sync()
        self._fault("delta_committed")

    def merge_small(self, partition: str | None, target: int) -> None:
        """Rewrite small files as few large ones; no row changes."""
        only = None
        if partition is not None and self.shape.partition is not None:
            only = [(self.shape.partition, "=", partition)]
        try:
            self._delta.optimize.compact(partition_filters=only, target_size=target)
            self._delta.update_incremental()
            self._sync()
        except exceptions.CommitFailedError:
            return  # the next merge finds the same files
        except (OSError, exceptions.DeltaError) as reason:
            self._delta = deltalake.DeltaTable(self.root)
            raise _lost(self.shape.name, reason) from None

    def _settle(self, position: int, reason: Exception) -> None:
        """Another commit came between: ours after all, or another writer's."""
        self._delta = deltalake.DeltaTable(self.root)
        if self.position != position:
            raise errors.Refused(
                "lake.delta_other_writer", f"another writer committed to it: {reason}",
                f"Delta table {self.shape.name}",
                "End the other process: only one may land a flow's rows.",
            ) from None  # fmt: skip

    def _sync(self) -> None:
        """What the library wrote, on disk for good: the log entry, and its name."""
        log = self.root / LOG
        with (log / f"{self._delta.version():020}.json").open("rb") as entry:
            os.fsync(entry.fileno())
        kit.sync_folder(log)

    def _place(self, value: str | None) -> tuple[str, str] | None:
        if value is None or self.shape.partition is None:
            return None
        return self.shape.partition, value


def open_table(
    folder: Path, shape: Shape, flow: str, source: str, fault: faults.Fault = faults.none
) -> Table:
    """The table below ``folder``, made when it is not there. Raises Refused for another source."""
    root = folder.joinpath(*shape.name.split("."))
    if not deltalake.DeltaTable.is_deltatable(str(root)):
        root.mkdir(parents=True, exist_ok=True)
        deltalake.DeltaTable.create(
            root, schema=deltalake.Schema.from_arrow(shape.columns), mode="ignore",
            partition_by=[shape.partition] if shape.partition else None,
            configuration={**_SETTINGS, SOURCE: source}, raise_if_key_not_exists=False,
        )  # fmt: skip
    table = Table(root, shape, flow, fault)
    table.check(source)
    return table


def succeed(root: Path, old: str, new: str) -> None:
    """A restored topic goes on under a new name; rows and position stay as they are."""
    found = deltalake.DeltaTable(root)
    if found.metadata().configuration.get(SOURCE) == old:
        found.alter.set_table_properties({SOURCE: new}, raise_if_not_exists=False)


def partitions(rows: pa.Table, column: str) -> Iterable[tuple[str, pa.Table]]:
    """Rows by the value of a text column, without that column."""
    values = rows.column(column)
    stored = rows.drop_columns([column])
    for value in sorted(set(values.to_pylist())):
        yield value, stored.filter(pc.equal(values, value))


def _lost(name: str, reason: Exception) -> Lost:
    why = str(reason).partition("\n")[0]
    return Lost(
        "lake.delta_not_written", f"a commit could not be written: {why}",
        f"Delta table {name}", "Nothing is lost; it is tried again. See whether the disk is full.",
    )  # fmt: skip


def unreadable(place: str, reason: Exception) -> Lost:
    """What is wrong with a table whose log cannot be read."""
    why = str(reason).partition("\n")[0]
    return Lost(
        "lake.delta_unreadable", f"its log cannot be read: {why}", f"Delta table {place}",
        "Nothing more is read from it until it can; restore it from a backup.",
    )  # fmt: skip
