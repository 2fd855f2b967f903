"""For those who only read a Delta table: its rows after a position, up to the newest commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import exceptions

from tidewright.pipelines.delta import table


@dataclass(frozen=True, slots=True)
class Newer:
    """``position``: of the newest commit; ``source``: whose positions these are."""

    position: int
    source: str
    rows: pa.Table


class Follower:
    """Follows one partition of one table by a column that holds positions."""

    def __init__(self, root: Path, flow: str, partition: str, column: str) -> None:
        self._root, self._flow = root, flow
        self._partition, self._column = partition, column
        self._delta: deltalake.DeltaTable | None = None

    def newer(self, first: int) -> Newer | None:
        """Rows after ``first``; None when there is nothing newer, or no table yet.

        Raises OSError when a file went away meanwhile: ask again. Raises Lost, which is worth
        another try, when the table's log cannot be read.
        """
        try:
            if self._delta is None:
                self._delta = deltalake.DeltaTable(self._root)
            self._delta.update_incremental()
        except exceptions.TableNotFoundError:
            self._delta = None
            return None
        except exceptions.DeltaError as reason:
            self._delta = None
            raise table.unreadable(str(self._root), reason) from None
        position = self._delta.transaction_version(self._flow) or 0
        if position <= first:
            return None
        source = self._delta.metadata().configuration.get(table.SOURCE, "")
        names = [u for u in self._delta.file_uris() if f"/{self._partition}/" in u]
        found = [pq.read_table(n.removeprefix("file://"), filters=self._since(first),
                               partitioning=None) for n in names]  # fmt: skip
        return Newer(position, source, pa.concat_tables(found) if found else pa.table({}))

    def _since(self, first: int) -> list[tuple[str, str, int]]:
        return [(self._column, ">", first)]


@dataclass(frozen=True, slots=True)
class Standing:
    """A table at its newest commit: how far its flow is, and its data files."""

    position: int
    files: tuple[str, ...]


def standing(root: Path, flow: str) -> Standing | None:
    """Where a table stands now; None when it is not there."""
    if not deltalake.DeltaTable.is_deltatable(str(root)):
        return None
    found = deltalake.DeltaTable(root)
    names = tuple(u.removeprefix("file://") for u in found.file_uris())
    return Standing(found.transaction_version(flow) or 0, names)
