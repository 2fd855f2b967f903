"""What a backup is made of: a recovery point names everything, down to the last byte.

A point is small and signed. It names trees (lists of files) by the checksum of their stored bytes,
and a tree names each file in the same way, so that one signature covers every byte. Times are
epoch milliseconds; positions are PostgreSQL's text, for example ``0/16B3748``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class File:
    """One file of a tree. ``sha256``: of its content; ``blob``: of the bytes as they are stored.

    ``stored``: how many bytes those are. ``packed``: stored compressed (zstd).
    """

    path: str
    size: int
    sha256: str
    blob: str
    stored: int
    packed: bool
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class Tree:
    """Files and folders below one root; ``folders`` holds those that must exist even when empty."""

    files: tuple[File, ...]
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Base:
    """A copy of one server's data folder, taken while it ran between ``start`` and ``end``."""

    tree: File
    made_ms: int
    timeline: int
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Server:
    """One PostgreSQL server in a point: replay ``wal`` over ``base`` up to ``target``, exclusive.

    ``captured``: its changes are followed into the lake, so that ``target`` is the lake's position.
    """

    name: str
    system_id: str
    base: Base
    wal: File
    target: str
    captured: bool


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow of the lake at the cut, as the catalog tells it.

    ``server``: the bundled server it follows, None for a source of the user's own or none at all.
    ``exact``: the lake stands exactly at the server's target; ``reason`` says why not. ``slot`` and
    ``publication``: what they are called at the source, for a captured one.
    """

    name: str
    commit: int
    kind: str
    source: str
    position: str
    tables: Mapping[str, str]
    server: str | None
    exact: bool
    reason: str = ""
    slot: str = ""
    publication: str = ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A table of a server that is not captured, at the cut: its rows, and a sum over them."""

    server: str
    database: str
    table: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Point:
    """One recovery point over every store. ``at_ms``: the moment of the cut.

    ``previous``: the point before it; ``sequence`` counts them, whatever the clock says.
    ``lake_root``: where the lake lay, since Iceberg's files name each other by full paths.
    ``played``: folders of what plays the outside world, by their paths below the environment's.
    ``bytes``: content of the whole point; ``added``: what this one had to store anew.
    """

    id: str
    sequence: int
    previous: str | None
    platform: str
    environment: str
    platform_id: str
    tool: str
    at_ms: int
    done_ms: int
    servers: tuple[Server, ...]
    flows: tuple[Flow, ...]
    lake: File | None
    lake_root: str
    project: File
    file: str
    secrets: File
    secret_names: tuple[str, ...]
    fingerprints: tuple[Fingerprint, ...]
    bytes: int
    added: int
    catalog: str = ""
    played: File | None = None
    notes: tuple[str, ...] = ()
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class Signed:
    """``text`` is canonical JSON; ``key`` is the fingerprint of the key that signed it."""

    text: str
    key: str
    signature: str
    extra: Mapping[str, str] = field(default_factory=dict)
