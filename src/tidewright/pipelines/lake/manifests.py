"""Manifests and manifest lists in Avro, written so that a commit costs the same for ever.

PyIceberg's writers encode each record once; its bytes are kept and written again as they are in
later manifests. A table's live files sit in few manifests: one small one that every change writes
anew, and full ones that stay until a file in them is removed.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from pyiceberg.avro.resolver import construct_writer
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile
from pyiceberg.manifest import (
    MANIFEST_LIST_FILE_SCHEMAS,
    DataFile,
    ManifestContent,
    ManifestEntryStatus,
    ManifestFile,
    construct_partition_summaries,
    data_file_with_partition,
    manifest_entry_schema_with_data_file,
    read_manifest_list,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

from tidewright.pipelines.lake import avro, durable, files

FULL = 100
SUFFIX = "-m0.avro"
_LIST_SCHEMA = MANIFEST_LIST_FILE_SCHEMAS[2]
# The places of these fields in PyIceberg's records, which are those of the specification.
_MANIFEST_PATH, _FILE_PATH = 0, 1
At: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A live file with the snapshot and sequence number that brought it; ``body`` is its Avro."""

    file: files.LiveFile
    snapshot: int
    sequence: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that is on disk: its live entries, and ``line``, its record in a manifest list."""

    location: str
    entries: Mapping[int, Entry]
    line: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """The snapshot that a change belongs to."""

    snapshot: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What a manifest says of its table; ``key``: the same as text, for caches."""

    schema: Schema
    spec: PartitionSpec
    content: ManifestContent
    key: tuple[str, str, ManifestContent]


def shape(schema: Schema, spec: PartitionSpec, content: ManifestContent) -> Shape:
    """``content``: whether the manifests list data files or delete files."""
    return Shape(schema, spec, content, (schema.model_dump_json(), spec.model_dump_json(), content))


@dataclass(frozen=True, slots=True)
class Changed:
    """The manifests after a change: one of them new (unless all is gone), ``dropped`` not used."""

    manifests: tuple[Manifest, ...]
    written: tuple[str, ...]
    dropped: tuple[str, ...]


# -- changing -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """Files that appear and numbers of files that go, in one snapshot."""

    added: Sequence[files.LiveFile]
    removed: frozenset[int]
    stamp: Stamp


def change(manifests: tuple[Manifest, ...], shape: Shape, what: Change, path: str) -> Changed:
    """Write one manifest at ``path`` that takes the place of the small and the touched ones."""
    if not what.added and not what.removed:
        return Changed(manifests, (), ())
    kept = tuple(m for m in manifests if len(m.entries) >= FULL and not _touches(m, what.removed))
    replaced = [m for m in manifests if m not in kept]
    old = [e for m in replaced for e in m.entries.values()]
    live = [e for e in old if e.file.number not in what.removed]
    gone = [e for e in old if e.file.number in what.removed]
    new = [Entry(f, what.stamp.snapshot, what.stamp.sequence, _body(f, shape)) for f in what.added]
    written = _write(path, shape, _Groups(new, live, gone), what.stamp)
    return Changed((*kept, written), (path,), tuple(m.location for m in replaced))


def _touches(manifest: Manifest, removed: frozenset[int]) -> bool:
    return not removed.isdisjoint(manifest.entries)


@dataclass(frozen=True, slots=True)
class _Groups:
    added: Sequence[Entry]
    existing: Sequence[Entry]
    deleted: Sequence[Entry]


def _write(path: str, shape: Shape, groups: _Groups, stamp: Stamp) -> Manifest:
    mark = avro.varint(stamp.snapshot)
    lines = [b"\x02\x02" + mark + b"\x00\x00" + e.body for e in groups.added]
    lines += [
        b"\x00\x02" + avro.varint(e.snapshot) + _sequences(e) + e.body for e in groups.existing
    ]
    lines += [b"\x04\x02" + mark + _sequences(e) + e.body for e in groups.deleted]
    content = avro.container(_manifest_header(shape.key), lines)
    durable.write_bytes(path, content)
    location = durable.uri(path)
    line = _list_line(location, len(content), shape, groups, stamp)
    live = {e.file.number: e for e in (*groups.existing, *groups.added)}
    return Manifest(location, live, line)


def _sequences(entry: Entry) -> bytes:
    """Data and file sequence number: always equal here, because no file is ever rewritten."""
    number = b"\x02" + avro.varint(entry.sequence)
    return number + number


def _list_line(location: str, length: int, shape: Shape, groups: _Groups, stamp: Stamp) -> bytes:
    sequences = [e.sequence for e in groups.existing]
    partitions = [e.file.data_file.partition for g in _each(groups) for e in g]
    fields = shape.spec.fields
    record = ManifestFile.from_args(
        manifest_path=location,
        manifest_length=length,
        partition_spec_id=shape.spec.spec_id,
        content=shape.content,
        sequence_number=stamp.sequence,
        min_sequence_number=min(sequences, default=stamp.sequence),
        added_snapshot_id=stamp.snapshot,
        added_files_count=len(groups.added),
        existing_files_count=len(groups.existing),
        deleted_files_count=len(groups.deleted),
        added_rows_count=_rows(groups.added),
        existing_rows_count=_rows(groups.existing),
        deleted_rows_count=_rows(groups.deleted),
        partitions=construct_partition_summaries(shape.spec, shape.schema, partitions)
        if fields
        else [],
        key_metadata=None,
    )
    return avro.encode(_list_writer(), record)


def _each(groups: _Groups) -> tuple[Sequence[Entry], ...]:
    return groups.added, groups.existing, groups.deleted


def _rows(entries: Sequence[Entry]) -> int:
    return sum(e.file.rows for e in entries)


def write_list(path: str, manifests: Iterable[Manifest], stamp: Stamp, parent: int | None) -> None:
    """The manifest list of a snapshot."""
    facts = {
        "snapshot-id": str(stamp.snapshot),
        "parent-snapshot-id": "null" if parent is None else str(parent),
        "sequence-number": str(stamp.sequence),
        "format-version": "2",
    }
    header = avro.header({**facts, "avro.schema": _list_avro()})
    durable.write_bytes(path, avro.container(header, [m.line for m in manifests]))


# -- Avro -----------------------------------------------------------------------------------


def _body(file: files.LiveFile, shape: Shape) -> bytes:
    return avro.encode(_body_writer(shape.key), file.data_file)


@lru_cache(maxsize=256)
def _body_writer(key: tuple[str, str, ManifestContent]) -> Any:
    return construct_writer(_data_file_type(key))


def _data_file_type(key: tuple[str, str, ManifestContent]) -> Any:
    schema, spec = Schema.model_validate_json(key[0]), PartitionSpec.model_validate_json(key[1])
    return data_file_with_partition(spec.partition_type(schema), format_version=2)


@lru_cache(maxsize=256)
def _manifest_header(key: tuple[str, str, ManifestContent]) -> avro.Header:
    spec = json.loads(key[1])
    entry = manifest_entry_schema_with_data_file(2, _data_file_type(key))
    schema = AvroSchemaConversion().iceberg_to_avro(entry, schema_name="manifest_entry")
    return avro.header(
        {
            "schema": key[0],
            "partition-spec": json.dumps(spec["fields"]),
            "partition-spec-id": str(spec["spec-id"]),
            "format-version": "2",
            "content": "data" if key[2] == ManifestContent.DATA else "deletes",
            "avro.schema": json.dumps(schema),
        }
    )


@lru_cache(maxsize=1)
def _list_writer() -> Any:
    return construct_writer(_LIST_SCHEMA)


@lru_cache(maxsize=1)
def _list_avro() -> str:
    schema = AvroSchemaConversion().iceberg_to_avro(_LIST_SCHEMA, schema_name="manifest_file")
    return json.dumps(schema)


# -- reading --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """One manifest of a list as read: entries are data file, snapshot and sequence number."""

    location: str
    file: ManifestFile
    entries: tuple[tuple[DataFile, int, int], ...]


def read(
    list_location: str, known: AbstractSet[str] = frozenset(), at: At | None = None
) -> list[Found]:
    """Every manifest that a list names, with its live entries; ``known`` ones are left out.

    ``at``: where a file lies now that is named by its old place; what is found names the new one.
    """
    found = []
    for manifest in read_manifest_list(_Local(list_location)):
        if manifest.manifest_path in known:
            continue
        if at is not None:
            manifest[_MANIFEST_PATH] = at(manifest.manifest_path)
        found.append(Found(manifest.manifest_path, manifest, tuple(_live(manifest, at))))
    return found


def _live(manifest: ManifestFile, at: At | None) -> Iterable[tuple[DataFile, int, int]]:
    for entry in manifest.fetch_manifest_entry(_LocalFiles(), discard_deleted=False):
        if entry.status != ManifestEntryStatus.DELETED:
            assert entry.snapshot_id is not None and entry.sequence_number is not None
            if at is not None:
                entry.data_file[_FILE_PATH] = at(entry.data_file.file_path)
            yield entry.data_file, entry.snapshot_id, entry.sequence_number


def rewrite(path: str, found: Found, lives: Sequence[files.LiveFile], shape: Shape) -> Manifest:
    """The same entries for other files, in order; snapshots and sequence numbers stay."""
    entries = [
        Entry(live, snapshot, sequence, _body(live, shape))
        for live, (_, snapshot, sequence) in zip(lives, found.entries, strict=True)
    ]
    newest = found.file.added_snapshot_id or 0
    stamp = Stamp(newest, found.file.sequence_number)
    return _write(path, shape, _Groups((), entries, ()), stamp)


def adopt(found: Found, lives: Sequence[files.LiveFile], shape: Shape) -> Manifest:
    """A manifest read from disk as one in memory; ``lives`` are its files in order."""
    entries = {
        live.number: Entry(live, snapshot, sequence, _body(live, shape))
        for live, (_, snapshot, sequence) in zip(lives, found.entries, strict=True)
    }
    return Manifest(found.location, entries, avro.encode(_list_writer(), found.file))


class _Local(InputFile):
    """A local file for PyIceberg's Avro reader."""

    def __len__(self) -> int:
        return os.stat(durable.local(self.location)).st_size  # noqa: PTH116  no Path is needed

    def exists(self) -> bool:
        return os.path.exists(durable.local(self.location))  # noqa: PTH110  the same

    def open(self, seekable: bool = True) -> InputStream:
        with io.FileIO(durable.local(self.location)) as source:
            return io.BytesIO(source.readall())


class _LocalFiles(FileIO):
    def new_input(self, location: str) -> InputFile:
        return _Local(location)

    def new_output(self, location: str) -> OutputFile:
        raise NotImplementedError

    def delete(self, location: str | InputFile | OutputFile) -> None:
        raise NotImplementedError
