"""One snapshot of one table: delete file, manifests, manifest list and summary, written in order.

What is to be written comes as ``Work`` from ``table``; nothing here keeps state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from pyiceberg.manifest import ManifestContent
from pyiceberg.schema import Schema

from tidewright.pipelines.lake import deletes, durable, files, manifests, metadata, summary

_LONG = 0x7FFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True)
class State:
    """A table as of one commit. ``location`` of its metadata file is None before the first."""

    metadata: metadata.Metadata
    location: str | None
    data: tuple[manifests.Manifest, ...] = ()
    deletes: tuple[manifests.Manifest, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table's files go. ``number`` names the next one, ``on_file`` makes it durable."""

    folder: Path
    number: Callable[[], int]
    on_file: Callable[[str], None]

    def metadata(self, name: str) -> str:
        return f"{self.folder}/metadata/{name}"


@dataclass(frozen=True, slots=True)
class Work:
    """What a commit does to the rows of a table. ``live``: its data files afterwards."""

    state: State
    schema: Schema
    dead: Mapping[int, deletes.Dead]
    live: Mapping[int, files.LiveFile]
    added: tuple[files.LiveFile, ...]
    removed: tuple[files.LiveFile, ...]
    deletes: deletes.Staged
    acts: summary.Acts


@dataclass(frozen=True, slots=True)
class Written:
    """The files of ``state`` are new, its metadata is still the old. ``retired``: see ``table``."""

    state: State
    dead: Mapping[int, deletes.Dead]
    snapshot: metadata.Snapshot
    retired: tuple[str, ...]


def write(work: Work, place: Place, at_ms: int, facts: Mapping[str, str]) -> Written:
    """Write everything of a snapshot but the metadata file. ``facts`` go into its summary."""
    stamp = manifests.Stamp(uuid4().int & _LONG, work.state.metadata.last_sequence + 1)
    plan = deletes.plan(work.dead, work.deletes, work.live)
    fresh = _write_deletes(work, plan, place)
    gone = tuple(work.dead[n].file for n in plan.gone)
    data = _change(work, place, stamp, (work.added, work.removed), ManifestContent.DATA)
    dead = _change(work, place, stamp, (fresh, gone), ManifestContent.DELETES)
    listing = _write_list(work, place, stamp, (*data.manifests, *dead.manifests))
    removed = (*work.removed, *gone)
    told = _summary(work, ((*work.added, *fresh), removed), facts)
    left = {n: d for n, d in work.dead.items() if n not in plan.gone}
    left |= {f.number: deletes.remember(f, plan.positions) for f in fresh}
    before = work.state.metadata.current
    return Written(
        replace(work.state, data=data.manifests, deletes=dead.manifests),
        left,
        metadata.snapshot(
            stamp.snapshot, stamp.sequence, at_ms, durable.uri(listing),
            (before.id if before else None, work.schema.schema_id, told),
        ),
        (*map(durable.local, (*data.dropped, *dead.dropped)), *(f.path for f in removed)),
    )  # fmt: skip


def _write_deletes(work: Work, plan: deletes.Plan, place: Place) -> tuple[files.LiveFile, ...]:
    if not plan.positions:
        return ()
    dead = {work.live[n].uri: rows for n, rows in plan.positions.items()}
    file = files.write_deletes(place.folder / "data", place.number(), dead)
    place.on_file(file.path)
    return (file,)


def _change(
    work: Work,
    place: Place,
    stamp: manifests.Stamp,
    moved: tuple[tuple[files.LiveFile, ...], tuple[files.LiveFile, ...]],
    content: ManifestContent,
) -> manifests.Changed:
    old = work.state.data if content == ManifestContent.DATA else work.state.deletes
    shape = manifests.shape(work.schema, work.state.metadata.spec, content)
    added, removed = moved
    what = manifests.Change(added, frozenset(f.number for f in removed), stamp)
    changed = manifests.change(old, shape, what, place.metadata(f"{uuid4()}{manifests.SUFFIX}"))
    for path in changed.written:
        place.on_file(path)
    return changed


def _write_list(
    work: Work, place: Place, stamp: manifests.Stamp, lines: tuple[manifests.Manifest, ...]
) -> str:
    path = place.metadata(f"snap-{stamp.snapshot}-{uuid4()}.avro")
    before = work.state.metadata.current
    manifests.write_list(path, lines, stamp, before.id if before else None)
    place.on_file(path)
    return path


def _summary(
    work: Work,
    moved: tuple[tuple[files.LiveFile, ...], tuple[files.LiveFile, ...]],
    facts: Mapping[str, str],
) -> dict[str, str]:
    before = work.state.metadata.current
    added, removed = ([f.data_file for f in part] for part in moved)
    return summary.summary(work.acts, (added, removed), before.summary if before else {}, facts)
