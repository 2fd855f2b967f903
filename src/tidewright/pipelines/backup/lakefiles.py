"""Which files of the lake a point needs: what its tables' current snapshots reach, and all others.

Iceberg tables are read from the catalog as of the cut; older snapshots are left out, since the raw
log has the history. What lies in the lake's folder and belongs to none of them (tables of other
formats) goes along whole. Links are taken at once, so that upkeep may remove what it likes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tidewright.kit import files
from tidewright.model import backups
from tidewright.pipelines.backup import store
from tidewright.pipelines.lake import durable, manifests

PINS = ".tidewright-backup"
_POINTERS = "select metadata_location from iceberg_tables where metadata_location is not null"
# A branch that is not merged shows its own tables, over main's as they were when it began.
_BRANCHES = """
select distinct t.metadata from tidewright_branches b, lateral (
  select value as metadata from jsonb_each_text(b.pointers)
  union select value->>'metadata' from jsonb_each(b.touched)) t
where b.state not in ('merged', 'dropped') and t.metadata is not null
"""
_COMMITS = """
select distinct on (flow) flow, id, kind, source, position, tables
from tidewright_commits order by flow, id desc
"""


@dataclass(frozen=True, slots=True)
class Commit:
    """The newest commit of one flow; ``tables``: name -> metadata location."""

    flow: str
    id: int
    kind: str
    source: str
    position: str
    tables: dict[str, str]


def commits(catalog: psycopg.Connection[Any]) -> tuple[Commit, ...]:
    """The newest commit of each flow, as the view of the cut shows it."""
    if not exists(catalog, "tidewright_commits"):
        return ()
    rows = catalog.execute(_COMMITS).fetchall()
    return tuple(
        Commit(flow, number, kind, source, position, _locations(tables))
        for flow, number, kind, source, position, tables in rows
    )


def pointers(catalog: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Metadata files of every table, of main and of open branches, as the view of the cut shows."""
    found: set[str] = set()
    for table, query in (("iceberg_tables", _POINTERS), ("tidewright_branches", _BRANCHES)):
        if exists(catalog, table):
            found |= {row[0] for row in catalog.execute(query.encode()).fetchall()}
    return tuple(sorted(found))


def tables(locations: Sequence[str]) -> tuple[Path, ...]:
    """All files that Iceberg tables reach."""
    return tuple(sorted({Path(p) for location in locations for p in reached(location)}))


def reached(location: str) -> Iterator[str]:
    """The files that the snapshots of a table's refs need, its metadata file first; as paths."""
    yield durable.local(location)
    document = json.loads(Path(durable.local(location)).read_text())
    known: set[str] = set()
    for listing in listings(document):
        yield durable.local(listing)
        for manifest in manifests.read(listing, known):
            known.add(manifest.location)
            yield durable.local(manifest.location)
            for file, _, _ in manifest.entries:
                yield durable.local(file.file_path)


def listings(document: dict[str, Any]) -> tuple[str, ...]:
    """The manifest lists of the current snapshot and of every branch and tag."""
    refs = {ref["snapshot-id"] for ref in document.get("refs", {}).values()}
    refs.add(document.get("current-snapshot-id"))
    return tuple(
        s["manifest-list"] for s in document.get("snapshots", ()) if s["snapshot-id"] in refs
    )


class Pins:
    """Files under names that nobody removes: links, or themselves where links cannot be."""

    def __init__(self, lake: Path) -> None:
        self.found: dict[Path, Path] = {}
        self._folder = lake / PINS

    def __enter__(self) -> Pins:
        # What an interrupted run left there goes first.
        shutil.rmtree(self._folder, ignore_errors=True)
        files.private_folder(self._folder)
        return self

    def __exit__(self, *exc: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, wanted: Iterable[Path]) -> None:
        """Pin these files."""
        for file in wanted:
            link = self._folder / str(len(self.found))
            try:
                os.link(file, link)
            except OSError:
                link = file
            self.found[file] = link


def put(
    into: store.Store, lake: Path, pins: Mapping[Path, Path], before: backups.Tree | None
) -> backups.Tree:
    """Store what is not there yet. Parquet is packed already."""
    known = {f.path: f for f in before.files} if before else {}
    found = []
    for file, pin in sorted(pins.items()):
        path = str(file.relative_to(lake))
        pack = not path.endswith(".parquet")
        found.append(into.put_unless(known.get(path), pin, path, pack=pack))
    return backups.Tree(tuple(found))


def others(lake: Path) -> Iterator[Path]:
    """Files of the lake's folder outside of every Iceberg table's own folder."""
    for folder, names, found in os.walk(lake):
        names[:] = sorted(n for n in names if n != PINS and not _is_table(Path(folder) / n))
        yield from (Path(folder) / n for n in found if not (Path(folder) / n).is_symlink())


def _is_table(folder: Path) -> bool:
    """An Iceberg table's folder, also one that no pointer names any more, or not yet."""
    return (folder / "metadata").is_dir() and (folder / "data").is_dir()


def _locations(tables: dict[str, Any]) -> dict[str, str]:
    return {name: point["metadata"] for name, point in sorted(tables.items())}


def exists(catalog: psycopg.Connection[Any], table: str) -> bool:
    """Whether the catalog's database has a table of this name."""
    row = catalog.execute("select to_regclass(%s) is not null", [table]).fetchone()
    return bool(row and row[0])
