"""Files on disk: Parquet data and position deletes, their statistics, and making them durable.

Every file has a random name and is written once. Nothing here is visible to a reader until the
catalog points at it, so a crash leaves orphans and no damage; ``care`` removes those.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    PrimitiveType,
    StringType,
)
from pyiceberg.utils.decimal import decimal_to_bytes
from pyiceberg.utils.truncate import (
    truncate_upper_bound_binary_string,
    truncate_upper_bound_text_string,
)

from tidewright import errors
from tidewright.kit import files as kit
from tidewright.pipelines.lake import schema as columns

PATH_ID, POS_ID = 2147483546, 2147483545
DELETES = pa.schema([
    pa.field("file_path", pa.string(), False, {columns.FIELD_ID: str(PATH_ID).encode()}),
    pa.field("pos", pa.int64(), False, {columns.FIELD_ID: str(POS_ID).encode()}),
])  # fmt: skip
ROWS_PER_GROUP, LEAST_ROWS_PER_GROUP = 131_072, 100
BYTES_PER_GROUP = 8 << 20
BOUND_LENGTH = 16
BOUNDED_COLUMNS = 64
SYNC_THREADS = 8
_SCHEME = "file://"
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


def uri(path: Path | str) -> str:
    """The URI of an absolute path, as Iceberg metadata names it: plain, nothing quoted."""
    return f"{_SCHEME}{path}"


def local(location: str) -> str:
    """The path of a URI that ``uri`` made."""
    return location.removeprefix(_SCHEME)


def check_folder(folder: Path) -> None:
    """Refuse a warehouse whose path readers of URIs would cut or decode."""
    wrong = sorted(set("#?%*[]'\"\\") & set(str(folder)))
    if wrong or not folder.is_absolute():
        raise errors.Refused(
            "lake.folder_name",
            f"readers cannot open a lake below this path: {' '.join(wrong) or 'not absolute'}",
            str(folder),
            "Choose an absolute path without the characters # ? % * [ ] ' \" and backslash.",
        )


def make_folder(folder: Path, below: Path) -> None:
    """Create ``folder`` and make its name durable, and those of its parents down from ``below``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for parent in (folder, *folder.parents):
            kit.sync_folder(parent)
            if parent == below:
                break
    except OSError as reason:
        raise failed(folder, reason) from None


def failed(path: Path | str, reason: OSError) -> errors.StepFailed:
    """What is wrong when a file of the lake cannot be written."""
    code = "lake.disk_full" if reason.errno in (28, 122) else "lake.write_failed"
    return errors.StepFailed(
        code,
        f"a file of the lake cannot be written: {reason.strerror or reason}",
        str(path),
        "Free space or correct the folder's rights; nothing is lost, the work is done again.",
    )


# -- writing --------------------------------------------------------------------------------


def write_bytes(path: str, content: bytes) -> None:
    """A new small file (metadata); not yet durable."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
        finally:
            os.close(handle)
    except OSError as reason:
        raise failed(path, reason) from None


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
    facts = _statistics(metadata, how.leaves)
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
        raise failed(path, reason) from None
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
        file_path=uri(path),
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
    path, size = local(data_file.file_path), data_file.file_size_in_bytes
    return LiveFile(number, path, data_file.record_count, size, data_file)


# -- statistics -----------------------------------------------------------------------------


def _statistics(
    metadata: pq.FileMetaData, leaves: Sequence[tuple[int, int, PrimitiveType]]
) -> dict[str, dict[int, Any]]:
    """Counts and bounds from the Parquet footer, in Iceberg's binary form."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    found: dict[str, dict[int, Any]] = {
        "value_counts": {}, "null_value_counts": {}, "lower_bounds": {}, "upper_bounds": {}
    }  # fmt: skip
    for at, field_id, type_ in leaves[:BOUNDED_COLUMNS]:
        parts = [g.column(at).statistics for g in groups]
        found["value_counts"][field_id] = metadata.num_rows
        if any(p is None or not p.has_null_count for p in parts):
            continue
        nulls = sum(p.null_count for p in parts)
        found["null_value_counts"][field_id] = nulls
        filled = [p for p in parts if p.num_values]
        if filled and all(p.has_min_max for p in filled):
            _bounds(found, field_id, type_, filled)
    return found


def _bounds(
    found: Mapping[str, dict[int, Any]], field_id: int, type_: PrimitiveType, parts: Sequence[Any]
) -> None:
    lows = [_ordered(p.min_raw, type_) for p in parts]
    highs = [_ordered(p.max_raw, type_) for p in parts]
    found["lower_bounds"][field_id] = bound(type_, min(lows), upper=False)
    high = bound(type_, max(highs), upper=True)
    if high is not None:
        found["upper_bounds"][field_id] = high


def _ordered(value: Any, type_: PrimitiveType) -> Any:
    """A raw Parquet value in a form that compares as the column does."""
    if isinstance(type_, DecimalType) and isinstance(value, bytes):
        return int.from_bytes(value, "big", signed=True)
    return value


def bound(type_: IcebergType, value: Any, *, upper: bool) -> bytes | None:
    """A bound as Iceberg stores it; None when a cut upper bound cannot be rounded up."""
    match type_:
        case BooleanType():
            return b"\x01" if value else b"\x00"
        case IntegerType() | DateType():
            return struct.pack("<i", value)
        case FloatType():
            return struct.pack("<f", value)
        case DoubleType():
            return struct.pack("<d", value)
        case DecimalType():
            return decimal_to_bytes(Decimal(value))
        case StringType():
            return _text_bound(value, upper)
        case BinaryType() if upper:
            return truncate_upper_bound_binary_string(value, BOUND_LENGTH)
        case BinaryType():
            return bytes(value[:BOUND_LENGTH])
        case _ if isinstance(value, bytes):
            return value
    return struct.pack("<q", value)


def _text_bound(value: bytes, upper: bool) -> bytes | None:
    text = value.decode()
    if not upper:
        return text[:BOUND_LENGTH].encode()
    cut = truncate_upper_bound_text_string(text, BOUND_LENGTH)
    return None if cut is None else cut.encode()


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


# -- durability -----------------------------------------------------------------------------


class Syncer:
    """fsync on eight threads: files as soon as they are written, folders last."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(SYNC_THREADS, thread_name_prefix="fsync")
        self._lock = threading.Lock()
        self._waiting: list[Future[None]] = []
        self._folders: set[str] = set()

    def add(self, path: str) -> None:
        """Begin to make ``path`` durable. From any thread."""
        with self._lock:
            self._folders.add(path.rpartition("/")[0])
            self._waiting.append(self._pool.submit(_sync_file, path))

    def wait(self) -> None:
        """Return when every file added so far, and its folder, is on disk."""
        with self._lock:
            folders, self._folders = self._folders, set()
            waiting, self._waiting = self._waiting, []
        _results(waiting)
        _results([self._pool.submit(kit.sync_folder, Path(f)) for f in folders])

    def close(self) -> None:
        self._pool.shutdown()


def _results(waiting: Iterable[Future[None]]) -> None:
    try:
        for one in waiting:
            one.result()
    except OSError as reason:
        raise failed(reason.filename or "the lake", reason) from None


def _sync_file(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
