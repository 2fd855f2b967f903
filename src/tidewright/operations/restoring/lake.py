"""The lake at its new place: files first, then the pointers of the restored catalog.

Files are there before any catalog names them. Every file that the catalog's snapshots name is
looked for, and a catalog that does not say what the point says is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from tidewright.model import backups
from tidewright.operations.restoring import ground as grounds
from tidewright.operations.restoring import points
from tidewright.pipelines.backup import lakefiles, store
from tidewright.pipelines.lake import durable, moving

_TEXT = """
select n.nspname, c.relname, a.attname, format_type(a.atttypid, null) from pg_attribute a
join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$)' and a.attnum > 0
  and not a.attisdropped
  and format_type(a.atttypid, null) in ('text', 'character varying', 'json', 'jsonb')
"""
_ONLY_NEWEST = """
delete from tidewright_commits t where exists
  (select from tidewright_commits n where n.flow = t.flow and n.id > t.id)
"""


def fetch(source: points.Source, point: backups.Point, ground: grounds.Ground) -> None:
    """Every file of the lake, in the same order below the new folder."""
    if point.lake is None:
        return
    folder = ground.place.root / "lake"
    tree = source.store.tree(point.lake)
    for file in tree.files:
        target = grounds.inside(folder, file.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.store.fetch(file, target)
    for parent in {grounds.inside(folder, f.path).parent for f in tree.files}:
        for name in ("data", "metadata") if parent.name in ("data", "metadata") else ():
            (parent.parent / name).mkdir(exist_ok=True)


def check_catalog(point: backups.Point, catalog: psycopg.Connection[Any]) -> None:
    """The restored catalog stands where the point says. Raises PromiseBroken when not."""
    there = {c.flow: c for c in lakefiles.commits(catalog)}
    for flow in point.flows:
        found = there.get(flow.name)
        if found is None or (found.id, found.position) != (flow.commit, flow.position):
            at = f"commit {found.id} at {found.position}" if found else "no commit"
            raise store.Damaged(
                "backup.stale_catalog",
                f"the catalog has {at} of {flow.name}, and the point commit {flow.commit} at "
                f"{flow.position}",
                f"flow {flow.name}", "Take another point: these parts were not made together.",
            )  # fmt: skip


def move(point: backups.Point, ground: grounds.Ground, catalog: psycopg.Connection[Any]) -> None:
    """Write what names a path anew, and let the catalog point at it, in one transaction."""
    if not point.lake_root:
        return
    how = moving.Move(point.lake_root, str(ground.place.root / "lake"))
    syncer = durable.Syncer()
    try:
        with as_told(), catalog.transaction():
            _forget(catalog)
            moved = {at: moving.move(at, how, syncer) for at in lakefiles.pointers(catalog)}
            syncer.wait()
            renamed = {at: there.point.metadata for at, there in moved.items()}
            _rename(catalog, renamed, how)
        for useless in {f for there in moved.values() for f in there.useless}:
            Path(useless).unlink(missing_ok=True)
    finally:
        syncer.close()
    with as_told():
        _check_files(catalog)


@contextmanager
def as_told() -> Iterator[None]:
    """A file of the lake that is missing, or is not what its table says, has that as its cause.

    A file of another table in its place lacks columns, or cannot be read as what it should be.
    """
    try:
        yield
    except FileNotFoundError as reason:
        raise store.Damaged(
            "backup.missing_file", f"the catalog names a file that is not there: {reason.filename}",
            "the lake", "Take another point.",
        ) from None  # fmt: skip
    except OSError as reason:
        if reason.errno is not None:  # the disk refused; a file that Arrow refuses has no number
            raise
        raise _other(reason) from None
    except (pa.ArrowException, ValueError, LookupError, TypeError, EOFError) as reason:
        raise _other(reason) from None


def _other(reason: Exception) -> store.Damaged:
    why = str(reason).partition("\n")[0]
    return store.Damaged(
        "backup.not_exact", f"a file is not what its table says: {type(reason).__name__}: {why}",
        "the lake", "Take another point: the files of this one were mixed up.",
    )  # fmt: skip


def _forget(catalog: psycopg.Connection[Any]) -> None:
    """What is of the old place only: older commits, and who waited for a cut."""
    if lakefiles.commits(catalog):
        catalog.execute(_ONLY_NEWEST)
    catalog.execute("update iceberg_tables set previous_metadata_location = null")
    if lakefiles.exists(catalog, "tidewright_cuts"):
        catalog.execute("delete from tidewright_cuts")


def _rename(catalog: psycopg.Connection[Any], renamed: dict[str, str], how: moving.Move) -> None:
    """In every text of the catalog's database: moved metadata first, then the folder's name."""
    pairs = [*renamed.items(), (how.old + "/", how.new + "/")]
    for schema, table, column, kind in catalog.execute(_TEXT).fetchall():
        name, place = sql.Identifier(column), sql.Identifier(schema, table)
        has = sql.SQL("select 1 from {} where {}::text like {} limit 1").format(
            place, name, sql.Literal(f"%{how.old}/%")
        )
        if catalog.execute(has).fetchone() is None:
            continue
        value: sql.Composable = sql.SQL("{}::text").format(name)
        for old, new in pairs:
            value = sql.SQL("replace({}, {}, {})").format(value, sql.Literal(old), sql.Literal(new))
        change = sql.SQL("update {} set {} = ({})::{} where {}::text like {}").format(
            place, name, value, sql.SQL(kind), name, sql.Literal(f"%{how.old}/%")
        )
        catalog.execute(change)


def _check_files(catalog: psycopg.Connection[Any]) -> None:
    """Every file of every snapshot is on disk."""
    for path in _named(catalog):
        if not Path(path).is_file():
            raise store.Damaged(
                "backup.missing_file", f"the lake lacks {path}", "the lake", "Take another point."
            )


def _named(catalog: psycopg.Connection[Any]) -> Iterator[str]:
    for location in lakefiles.pointers(catalog):
        yield from lakefiles.reached(location)
