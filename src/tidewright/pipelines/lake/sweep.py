"""Files that neither main nor any branch needs, found by listing and unlinked.

What is needed: all that main's pointer reaches, each branch that is there (as it was made and as
it is), and for a grace everything that main or a branch showed until lately, since a reader may
have pinned it. A file younger than the grace, or than a run that still writes, is left alone: no
pointer may know it yet. Only folders of tables that branches of the flow wrote are looked at.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tidewright.pipelines.lake import branches, catalog, durable, manifests, metadata, reading

GRACE = 300.0
# A file's time comes from the kernel's coarse clock, which may run a little behind the server's.
CLOCK_SLACK = 2.0

_SHOWN = """
select tables from tidewright_commits where flow = %(flow)s and id >= coalesce(
  (select max(id) from tidewright_commits
   where flow = %(flow)s and committed_at < to_timestamp(%(since)s)), 0)
"""
_FREED = """
update tidewright_branches set freed = true
where flow = %s and state = any(%s) and not freed and changed_at < to_timestamp(%s)
"""


@dataclass(slots=True)
class _Roots:
    """Metadata files to start from, by table. ``before``: files this young are left alone."""

    by_table: dict[str, set[str]] = field(default_factory=dict)
    before: float = 0.0

    def add(self, tables: Mapping[str, str]) -> None:
        for name, location in tables.items():
            self.by_table.setdefault(name, set()).add(location)


def sweep(
    conn: psycopg.Connection,
    warehouse: Path,
    flow: str,
    fault: Callable[[str], None],
    grace: float = GRACE,
) -> int:
    """Unlink what nothing needs; returns how many files. Branches that are gone count as freed.

    Nothing while somebody reads for long; the next run sweeps again.
    """
    with reading.unlinking(warehouse) as is_free:
        return _sweep(conn, warehouse, flow, fault, grace) if is_free else 0


def _sweep(
    conn: psycopg.Connection,
    warehouse: Path,
    flow: str,
    fault: Callable[[str], None],
    grace: float,
) -> int:
    now = time.time()
    removed = 0
    for name in branches.names(conn, flow):
        # Listed first, reached second: what becomes needed in between is younger than the limit.
        found = list(_files(warehouse.joinpath(*name.split("."))))
        roots = _roots(conn, flow, now, grace)
        old = [path for path, at in found if at < roots.before]
        needed = reachable(roots.by_table.get(name, ())) if old else set()
        for path in (p for p in old if p not in needed):
            with contextlib.suppress(FileNotFoundError):
                Path(path).unlink()
            removed += 1
            fault("sweep_unlinked")
    conn.execute(_FREED, [flow, list(branches.GONE), now - grace])
    branches.prune(conn, flow)
    return removed


def reachable(locations: Iterable[str]) -> set[str]:
    """Every file that these metadata files need, as paths."""
    needed: set[str] = set()
    known: set[str] = set()
    for location in locations:
        needed.add(durable.local(location))
        try:
            text = Path(durable.local(location)).read_text()
        except FileNotFoundError:
            continue  # shown long ago, and gone since
        document = metadata.parse(text, metadata.version_of(location))
        needed |= {durable.local(at) for at, _ in document.log}
        for snapshot in reversed(document.snapshots):
            if durable.local(snapshot.manifests) not in needed:
                needed |= _of_snapshot(snapshot.manifests, known)
    return needed


def _of_snapshot(manifest_list: str, known: set[str]) -> set[str]:
    found = {durable.local(manifest_list)}
    for manifest in manifests.read(manifest_list, known):
        known.add(manifest.location)
        found.add(durable.local(manifest.location))
        found |= {durable.local(d.file_path) for d, _, _ in manifest.entries}
    return found


def _roots(conn: psycopg.Connection, flow: str, now: float, grace: float) -> _Roots:
    """At one moment: main, its lately shown commits, and every branch that may be read."""
    roots = _Roots(before=now - grace)
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        roots.add(catalog.pointers(conn))
        for (tables,) in conn.execute(_SHOWN, {"flow": flow, "since": now - grace}).fetchall():
            roots.add({n: t["metadata"] for n, t in tables.items()})
        for branch in branches.needed(conn, now - grace):
            roots.add(branch.pointers)
            roots.add({n: t.metadata for n, t in branch.touched.items()})
            if branch.state == "running":
                began = branch.made_ms / 1000 - CLOCK_SLACK
                roots.before = min(roots.before, began)
    return roots


def _files(folder: Path) -> Iterator[tuple[str, float]]:
    for part in ("data", "metadata"):
        with contextlib.suppress(FileNotFoundError), os.scandir(folder / part) as entries:
            yield from ((e.path, e.stat().st_mtime) for e in entries if e.is_file())
