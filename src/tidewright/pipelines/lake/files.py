"""Parquet on disk: data files and position deletes, written and read.

Every file has a random name and is written once. Nothing here is visible to a reader until the
catalog points at it, so a crash leaves orphans and no damage; ``care`` removes those.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import PrimitiveType

from tidewright.pipelines.lake import durable, statistics
from tidewright.pipelines.lake import schema as columns

PATH_ID, POS_ID = 2147483546, 2147483545
DELETES = pa.schema([
    pa.field("file_path", pa.string(), False, {columns.FIELD_ID: str(PATH_ID).encode()}),
    pa.field("pos", pa.int64(), False, {columns.FIELD_ID: str(POS_ID).encode()}),
])  # fmt: skip
ROWS_PER_GROUP, LEAST_ROWS_PER_GROUP = 131_072, 100
BYTES_PER_GROUP = 8 << 20
_WRITING = {
    "compression": "zstd",
    "compression_level": 1,
    "store_schema": False,
    "store_decimal_as_integer": True,
}


@dataclass(frozen=True, slots=True)
class LiveFile:
    """One Parquet file of a table. ``number`` is its name in memory for the process's lifetime."""

    number: int
    path: str
    rows: int
    bytes: int
    data_file: DataFile

    @property
    def uri(self) -> str:
        return self.data_file.file_path


# -- writing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layout:
    """How data files of one schema are written; made once per schema."""

    schema: Schema
    arrow: pa.Schema
    leaves: Sequence[tuple[int, int, PrimitiveType]]
    rows_per_group: int = ROWS_PER_GROUP


def layout(schema: Schema, rows_per_group: int = ROWS_PER_GROUP) -> Layout:
    """``leaves``: Parquet column number, field id and type of each plain column."""
    leaves = []
    for at, field in enumerate(schema.fields):
        # A list is one Parquet column too (its element), so numbers and fields run in step.
        if isinstance(field.field_type, PrimitiveType):
            leaves.append((at, field.field_id, field.field_type))
    return Layout(schema, columns.arrow_schema(schema), leaves, rows_per_group)


def write_rows(
    folder: Path, number: int, parts: Iterable[pa.Table], how: Layout, partition: Record
) -> LiveFile:
    """One data file with every row of ``parts``, in order; each is written before the next."""
    path = f"{folder}/{uuid4().hex}.parquet"
    metadata = _write(path, (columns.conform(p, how.arrow) for p in parts), how.rows_per_group)
    size = Path(path).stat().st_size
    facts = statistics.of_footer(metadata, how.leaves)
    content = DataFileContent.DATA
    return _live(number, path, metadata.num_rows, size, (content, partition, facts))


def write_deletes(folder: Path, number: int, dead: Mapping[str, np.ndarray]) -> LiveFile:
    """One position-delete file: data file URI -> sorted row numbers."""
    path = f"{folder}/{uuid4().hex}-deletes.parquet"
    uris = sorted(dead)
    counts = [len(dead[u]) for u in uris]
    which = np.repeat(np.arange(len(uris), dtype=np.int32), counts)
    named = pa.DictionaryArray.from_arrays(which, pa.array(uris, pa.string()))
    positions = pa.array(np.concatenate([dead[u] for u in uris]), pa.int64())
    fields = [DELETES.field(0).with_type(named.type), DELETES.field(1)]
    table = pa.Table.from_arrays([named, positions], schema=pa.schema(fields))
    _write(path, iter([table]), 1 << 20)
    total = int(sum(counts))
    facts = {
        "value_counts": {PATH_ID: total, POS_ID: total},
        "null_value_counts": {PATH_ID: 0, POS_ID: 0},
        # Readers compare these bounds with whole paths, so they are never cut.
        "lower_bounds": {PATH_ID: uris[0].encode()},
        "upper_bounds": {PATH_ID: uris[-1].encode()},
    }
    content = DataFileContent.POSITION_DELETES
    return _live(number, path, total, Path(path).stat().st_size, (content, Record(), facts))


def _write(path: str, parts: Iterator[pa.Table], rows_per_group: int) -> pq.FileMetaData:
    first = next(parts)
    try:
        writer = pq.ParquetWriter(path, first.schema, **_WRITING)
        try:
            for part in itertools.chain([first], parts):
                same = part if part.schema == first.schema else part.cast(first.schema)
                writer.write_table(same, _group(same, rows_per_group))
        except BaseException:
            # The first failure is the one to tell; closing half a file may bring another.
            with contextlib.suppress(OSError):
                writer.close()
            raise
        writer.close()
    except OSError as reason:
        raise durable.failed(path, reason) from None
    return writer.writer.metadata


def _group(rows: pa.Table, most: int) -> int:
    """Rows of one group: few enough of wide ones that reading a single row stays cheap."""
    each: int = max(1, rows.nbytes // max(1, rows.num_rows))
    return max(LEAST_ROWS_PER_GROUP, min(most, BYTES_PER_GROUP // each))


def _live(
    number: int,
    path: str,
    rows: int,
    size: int,
    rest: tuple[DataFileContent, Record, Mapping[str, Any]],
) -> LiveFile:
    content, partition, facts = rest
    data_file = DataFile.from_args(
        content=content,
        file_path=durable.uri(path),
        file_format=FileFormat.PARQUET,
        partition=partition,
        record_count=rows,
        file_size_in_bytes=size,
        **facts,
    )
    data_file.spec_id = 0
    return LiveFile(number, path, rows, size, data_file)


def adopt(number: int, data_file: DataFile) -> LiveFile:
    """A file that a manifest names."""
    path, size = durable.local(data_file.file_path), data_file.file_size_in_bytes
    return LiveFile(number, path, data_file.record_count, size, data_file)


# -- reading --------------------------------------------------------------------------------


def read_rows(file: LiveFile, target: pa.Schema) -> pa.Table:
    """A data file in the columns of ``target``, matched by field id; dead rows included."""
    return pa.concat_tables(read_groups(file, target))


def read_groups(
    file: LiveFile, target: pa.Schema, groups: Sequence[int] | None = None
) -> Iterator[pa.Table]:
    """The same, one row group after the other (those asked for), so that memory stays bounded."""
    wanted = {f.metadata[columns.FIELD_ID] for f in target}
    with pq.ParquetFile(file.path) as source:
        names = [f.name for f in source.schema_arrow if _field_id(f) in wanted]
        for group in range(source.num_row_groups) if groups is None else groups:
            if names:
                yield columns.project(source.read_row_group(group, columns=names), target)
            else:
                rows = source.metadata.row_group(group).num_rows
                nulls = [pa.nulls(rows, f.type) for f in target]
                yield pa.Table.from_arrays(nulls, schema=target.remove_metadata())


def take_rows(file: LiveFile, rows: np.ndarray, target: pa.Schema) -> pa.Table:
    """Some rows (sorted numbers) of a data file; only the row groups that hold them are read."""
    footer = pq.read_metadata(file.path)
    sizes = [footer.row_group(i).num_rows for i in range(footer.num_row_groups)]
    ends = np.cumsum(sizes)
    group = np.searchsorted(ends, rows, side="right")
    wanted = np.unique(group)
    found = []
    for number, part in zip(wanted, read_groups(file, target, wanted.tolist()), strict=True):
        first = ends[number] - sizes[number]
        found.append(part.take(rows[group == number] - first))
    return pa.concat_tables(found) if found else target.remove_metadata().empty_table()


def _field_id(field: pa.Field) -> bytes | None:
    return (field.metadata or {}).get(columns.FIELD_ID)


def read_deletes(file: LiveFile) -> dict[str, np.ndarray]:
    """A position-delete file: data file URI -> row numbers."""
    rows = pq.read_table(file.path, columns=["file_path", "pos"], read_dictionary=["file_path"])
    rows = rows.combine_chunks()
    if not rows.num_rows:
        return {}
    paths = rows.column("file_path").unify_dictionaries().combine_chunks()
    named = paths if isinstance(paths, pa.DictionaryArray) else paths.dictionary_encode()
    which, pos = named.indices.to_numpy(), rows.column("pos").to_numpy()
    uris = named.dictionary.to_pylist()
    return {u: np.sort(pos[which == i]) for i, u in enumerate(uris) if (which == i).any()}
