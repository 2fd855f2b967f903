"""Every file that a point names, down to the last: what is checked, kept and counted."""

from __future__ import annotations

from collections.abc import Iterator

from tidewright.model import backups
from tidewright.pipelines.backup import store


def trees(point: backups.Point) -> Iterator[tuple[str, backups.File]]:
    """The lists of files, each with the name of its part."""
    for server in point.servers:
        yield f"server {server.name}", server.base.tree
        yield f"log of {server.name}", server.wal
    if point.lake is not None:
        yield "lake", point.lake
    if point.played is not None:
        yield "played sources", point.played
    yield "project", point.project


def files(into: store.Store, point: backups.Point) -> Iterator[tuple[str, backups.File]]:
    """Every file with the name of its part; the lists themselves included."""
    yield "secrets", point.secrets
    for part, listing in trees(point):
        yield part, listing
        for file in into.tree(listing).files:
            yield part, file


def check(into: store.Store, point: backups.Point) -> None:
    """Read what ``into`` did not read yet, so that no byte is left out. Raises Damaged."""
    for _, file in files(into, point):
        into.check(file)


def blobs(into: store.Store, point: backups.Point) -> dict[str, backups.File]:
    """The same by blob, each once."""
    return {file.blob: file for _, file in files(into, point)}
