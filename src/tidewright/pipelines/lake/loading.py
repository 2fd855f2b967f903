"""Reading a table from disk into memory, at start and after a commit that did not come about."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyiceberg.manifest import ManifestContent
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform

from tidewright import errors
from tidewright.pipelines.lake import (
    catalog,
    deletes,
    durable,
    files,
    manifests,
    metadata,
    snapshots,
)
from tidewright.pipelines.lake import table as tables


@dataclass(frozen=True, slots=True)
class Origin:
    """A table's name, the warehouse it lies in, and who makes its files durable."""

    name: str
    warehouse: Path
    on_file: Callable[[str], None]

    @property
    def folder(self) -> Path:
        return self.warehouse.joinpath(*map(durable.folder_name, catalog.split(self.name)))

    def place(self, numbers: Iterator[int]) -> snapshots.Place:
        return snapshots.Place(self.folder, numbers.__next__, self.on_file)


def create(
    origin: Origin, schema: Schema, spec: PartitionSpec, properties: Mapping[str, str]
) -> tables.Table:
    """A new table with its folders, visible with the next commit."""
    for field in spec.fields:
        if not isinstance(field.transform, IdentityTransform):
            raise errors.Bug(
                "lake.partition_transform",
                f"partition {field.name} uses {field.transform}; only identity is written",
                f"table {origin.name}",
                "Report this with the log of the service.",
            )
    for part in ("data", "metadata"):
        durable.make_folder(origin.folder / part, origin.warehouse)
    document = metadata.new(durable.uri(origin.folder), schema, spec, properties)
    state = snapshots.State(document, None)
    return tables.Table(origin.name, origin.place(itertools.count()), state, {})


def load(origin: Origin, location: str) -> tables.Table:
    """A table from its metadata file. Raises StepFailed when a file it needs is missing."""
    try:
        return _load(origin, location)
    except FileNotFoundError as reason:
        raise errors.StepFailed(
            "lake.missing_file",
            f"a file of the lake is not there: {reason.filename}",
            f"table {origin.name}",
            "Restore the warehouse folder, or begin anew with destroy and up.",
        ) from None


def _load(origin: Origin, location: str) -> tables.Table:
    content = Path(durable.local(location)).read_text()
    document = metadata.parse(content, metadata.version_of(location))
    found = manifests.read(document.current.manifests) if document.current else []
    numbers = itertools.count()
    data = _adopt(found, document, ManifestContent.DATA, numbers)
    dead = _adopt(found, document, ManifestContent.DELETES, numbers)
    live = {n: e.file for m in data for n, e in m.entries.items()}
    known = {
        n: deletes.remember(e.file, deletes.by_number(files.read_deletes(e.file), live))
        for m in dead
        for n, e in m.entries.items()
    }
    state = snapshots.State(document, location, data, dead)
    return tables.Table(origin.name, origin.place(numbers), state, known)


def _adopt(
    found: Sequence[manifests.Found],
    document: metadata.Metadata,
    content: ManifestContent,
    numbers: Iterator[int],
) -> tuple[manifests.Manifest, ...]:
    shape = manifests.shape(document.schema, document.spec, content)
    return tuple(
        manifests.adopt(f, [files.adopt(next(numbers), d) for d, _, _ in f.entries], shape)
        for f in found
        if f.file.content == content
    )
