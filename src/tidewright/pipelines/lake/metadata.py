"""The table's metadata document: what it holds, and its JSON, written by parts.

A snapshot's JSON is made once and joined with the others, so that the cost of a commit does not
come from the snapshots that are kept. Expiry is part of every commit: ``Keep`` says what stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema

POSITION, SOURCE = "tidewright.position", "tidewright.source"


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of the past stays readable.

    At least ``snapshots`` of each table and all younger than ``seconds`` stay listed, but never
    more than ``most``: each of them is written again by every commit. A file that nothing listed
    needs lives on for ``grace`` seconds, for readers that pinned it before. ``commits`` rows of
    ``tidewright_commits`` stay.
    """

    snapshots: int = 20
    most: int = 50
    seconds: float = 15.0
    grace: float = 300.0
    commits: int = 10_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One listed snapshot; ``text`` is its JSON."""

    id: int
    sequence: int
    at_ms: int
    manifests: str
    text: str
    summary: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metadata:
    """An Iceberg v2 table. ``version`` numbers its metadata files; ``log`` names older ones."""

    location: str
    uuid: str
    last_sequence: int
    updated_ms: int
    last_column: int
    schemas: tuple[Schema, ...]
    spec: PartitionSpec
    properties: Mapping[str, str]
    schema_texts: tuple[str, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    log: tuple[tuple[str, int], ...] = ()
    version: int = 0

    @property
    def schema(self) -> Schema:
        return self.schemas[-1]

    @property
    def current(self) -> Snapshot | None:
        return self.snapshots[-1] if self.snapshots else None


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit makes of the document; None: as it was."""

    now_ms: int
    properties: Mapping[str, str]
    snapshot: Snapshot | None = None
    schema: tuple[Schema, int] | None = None
    previous: str | None = None


def new(
    location: str, schema: Schema, spec: PartitionSpec, properties: Mapping[str, str]
) -> Metadata:
    """A table without a snapshot."""
    last = schema.highest_field_id
    texts = (schema.model_dump_json(),)
    return Metadata(location, str(uuid4()), 0, 0, last, (schema,), spec, properties, texts)


def apply(
    now: Metadata, change: Change, keep: Keep
) -> tuple[Metadata, tuple[Snapshot, ...], tuple[str, ...]]:
    """The document after ``change``; the snapshots and the older metadata files that left it."""
    snapshots = now.snapshots if change.snapshot is None else (*now.snapshots, change.snapshot)
    expired = _expired(snapshots, change.now_ms, keep)
    log = now.log
    if change.previous is not None:
        log = (*log, (change.previous, now.updated_ms))
    over = max(0, len(log) - keep.snapshots)
    if change.schema is not None:
        now = _with_schema(now, *change.schema)
    after = replace(
        now,
        last_sequence=change.snapshot.sequence if change.snapshot else now.last_sequence,
        updated_ms=change.now_ms,
        properties={**now.properties, **change.properties},
        snapshots=snapshots[expired:], log=log[over:], version=now.version + 1,
    )  # fmt: skip
    return after, snapshots[:expired], tuple(location for location, _ in log[:over])


def _with_schema(now: Metadata, schema: Schema, last_column: int) -> Metadata:
    texts = (*now.schema_texts, schema.model_dump_json())
    return replace(now, schemas=(*now.schemas, schema), schema_texts=texts, last_column=last_column)


def _expired(snapshots: Sequence[Snapshot], now_ms: int, keep: Keep) -> int:
    """How many of the oldest go."""
    least = max(1, keep.snapshots)
    may = max(0, len(snapshots) - least)
    must = max(0, len(snapshots) - max(least, keep.most))
    limit = now_ms - int(keep.seconds * 1000)
    return next((i for i in range(must, may) if snapshots[i].at_ms >= limit), may)


def snapshot(
    identity: int,
    sequence: int,
    at_ms: int,
    manifests: str,
    rest: tuple[int | None, int, Mapping[str, str]],
) -> Snapshot:
    """A snapshot and its JSON. ``rest``: parent, schema id and summary (with the operation)."""
    parent, schema_id, summary = rest
    body: dict[str, Any] = {
        "snapshot-id": identity, "sequence-number": sequence, "timestamp-ms": at_ms,
        "manifest-list": manifests, "summary": dict(summary), "schema-id": schema_id,
    }  # fmt: skip
    if parent is not None:
        body["parent-snapshot-id"] = parent
    return Snapshot(identity, sequence, at_ms, manifests, json.dumps(body), summary)


def text(document: Metadata) -> str:
    """The JSON that every Iceberg reader understands."""
    current = document.current
    head: dict[str, Any] = {
        "format-version": 2, "table-uuid": document.uuid, "location": document.location,
        "last-sequence-number": document.last_sequence, "last-updated-ms": document.updated_ms,
        "last-column-id": document.last_column, "current-schema-id": document.schema.schema_id,
        "default-spec-id": document.spec.spec_id,
        "last-partition-id": document.spec.last_assigned_field_id,
        "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}],
        "properties": dict(document.properties),
        "metadata-log": [{"metadata-file": m, "timestamp-ms": at} for m, at in document.log],
        "snapshot-log": [
            {"snapshot-id": s.id, "timestamp-ms": s.at_ms} for s in document.snapshots
        ],
    }  # fmt: skip
    if current is not None:
        head["current-snapshot-id"] = current.id
        head["refs"] = {"main": {"snapshot-id": current.id, "type": "branch"}}
    schemas = ",".join(document.schema_texts)
    snapshots = ",".join(s.text for s in document.snapshots)
    rest = f'"schemas":[{schemas}],"partition-specs":[{document.spec.model_dump_json()}]'
    return f'{json.dumps(head)[:-1]},{rest},"snapshots":[{snapshots}]}}'


def parse(content: str, version: int) -> Metadata:
    """A document that ``text`` wrote."""
    found = json.loads(content)
    schemas = [Schema.model_validate(s) for s in found["schemas"]]
    schemas.sort(key=lambda s: s.schema_id == found["current-schema-id"])
    return Metadata(
        found["location"], found["table-uuid"], found["last-sequence-number"],
        found["last-updated-ms"], found["last-column-id"], tuple(schemas),
        PartitionSpec.model_validate(found["partition-specs"][0]), found["properties"],
        tuple(s.model_dump_json() for s in schemas),
        tuple(_parse_snapshot(s) for s in found["snapshots"]),
        tuple((e["metadata-file"], e["timestamp-ms"]) for e in found["metadata-log"]), version,
    )  # fmt: skip


def _parse_snapshot(body: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        body["snapshot-id"], body["sequence-number"], body["timestamp-ms"], body["manifest-list"],
        json.dumps(body), body["summary"],
    )  # fmt: skip


def file_name(version: int) -> str:
    """``00012-<random>.metadata.json``, as every catalog names them."""
    return f"{version:05d}-{uuid4()}.metadata.json"


def version_of(location: str) -> int:
    """The number in a metadata file's name."""
    return int(location.rpartition("/")[2].partition("-")[0])
