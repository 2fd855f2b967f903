"""A table whose files were brought to another folder: everything that names a path, written anew.

Iceberg's metadata, manifest lists, manifests and position deletes name files by full paths. Data
files name nobody and stay as they are. Only the current snapshot goes along, under its own id.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from pyiceberg.manifest import DataFileContent, ManifestContent

from tidewright.pipelines.lake import catalog, durable, files, manifests, metadata


@dataclass(frozen=True, slots=True)
class Move:
    """From the folder that the files name to the one where they lie now; both absolute."""

    old: str
    new: str

    def __call__(self, location: str) -> str:
        """The location now; one outside of the old folder is as it was."""
        prefix = durable.uri(self.old) + "/"
        if location.startswith(prefix):
            return f"{durable.uri(self.new)}/{location.removeprefix(prefix)}"
        return location


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the table stands at its new place. ``useless``: brought files that nobody names."""

    point: catalog.TablePoint
    useless: tuple[str, ...]


def move(location: str, how: Move, syncer: durable.Syncer) -> Moved:
    """Write a table's metadata for its new place. ``location``: of its metadata at the old one."""
    here = how(location)
    text = Path(durable.local(here)).read_text()
    document = metadata.parse(text, metadata.version_of(location))
    document = replace(document, location=how(document.location), log=(), snapshots=())
    current = metadata.parse(text, 0).current
    useless = [durable.local(here)]
    if current is not None:
        snapshot, gone = _snapshot(document, current, how, syncer)
        document = replace(document, snapshots=(snapshot,))
        useless += gone
    folder = Path(durable.local(document.location)) / "metadata"
    path = str(folder / metadata.file_name(document.version))
    durable.write_bytes(path, metadata.text(document).encode())
    syncer.add(path)
    point = catalog.TablePoint(current.id if current else None, durable.uri(path))
    return Moved(point, tuple(useless))


def _snapshot(
    document: metadata.Metadata, old: metadata.Snapshot, how: Move, syncer: durable.Syncer
) -> tuple[metadata.Snapshot, list[str]]:
    """The snapshot with lists and manifests of its own; its id, number and time stay."""
    folder = Path(durable.local(document.location))
    stamp = manifests.Stamp(old.id, old.sequence)
    numbers = itertools.count()
    useless = [durable.local(how(old.manifests))]
    written = []
    for found in manifests.read(how(old.manifests), at=how):
        useless.append(durable.local(found.location))
        shape = manifests.shape(document.schema, document.spec, found.file.content)
        lives = []
        for file, _, _ in found.entries:
            live = files.adopt(next(numbers), file)
            if file.content == DataFileContent.POSITION_DELETES:
                useless.append(live.path)
                live = _deletes(live, how, folder, syncer)
            lives.append(live)
        assert found.file.content in (ManifestContent.DATA, ManifestContent.DELETES)
        path = f"{folder}/metadata/{uuid4()}{manifests.SUFFIX}"
        written.append(manifests.rewrite(path, found, lives, shape))
        syncer.add(path)
    listing = f"{folder}/metadata/snap-{old.id}-{uuid4()}.avro"
    manifests.write_list(listing, written, stamp, None)
    syncer.add(listing)
    rest = (None, document.schema.schema_id, old.summary)
    return metadata.snapshot(old.id, old.sequence, old.at_ms, durable.uri(listing), rest), useless


def _deletes(
    live: files.LiveFile, how: Move, folder: Path, syncer: durable.Syncer
) -> files.LiveFile:
    """A position-delete file that names data files where they lie now."""
    dead = {how(uri): rows for uri, rows in files.read_deletes(live).items()}
    fresh = files.write_deletes(folder / "data", live.number, dead)
    syncer.add(fresh.path)
    return fresh
