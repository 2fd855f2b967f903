"""The publication on a source: which tables the feed carries. Besides the slot, all that lasts.

A table is added with ONLY, so that children of an inheriting table do not come in unnamed.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import errors as pg

from tidewright import errors
from tidewright.pipelines.feeds import session, tables

# Its comment tells our publication from one that was there before: only ours is ours to drop.
OURS = "made by tidewright; its destroy drops it"
_FLAGS = (
    "select pubinsert, pubupdate and pubdelete and pubtruncate, pubupdate or pubdelete or"
    " pubtruncate from pg_publication where pubname = %s"
)
_TABLES = "select schemaname || '.' || tablename from pg_publication_tables where pubname = %s"
# From PostgreSQL 15 on a publication can leave out rows or columns of a table. 15 alone names the
# generated columns, which it never sends, among those that it carries.
_WHOLE = """
 and rowfilter is null and not exists (
  select from pg_attribute
  where attrelid = format('%%I.%%I', schemaname, tablename)::regclass
    and attnum > 0 and not attisdropped
    and (attgenerated = '') <> (attname = any(attnames))"""
_WHOLE_OF = {15: f"{_WHOLE} and attgenerated = '')"}


def published(
    link: session.Session, name: str, *, append_only: bool = False
) -> frozenset[str] | None:
    """The tables it carries whole, by name; None when there is no such publication.

    A table with a row filter or a column list is left out: what the feed brings of it is not all.
    ``append_only``: whole means all inserts and nothing else.
    """
    found = link.ask(_FLAGS, name)
    if not found:
        return None
    inserts, all_others, any_other = found[0]
    if not inserts or (any_other if append_only else not all_others):
        return frozenset()
    major = link.open().info.server_version // 10000
    whole = _WHOLE_OF.get(major, f"{_WHOLE})") if major >= 15 else ""
    rows = link.ask(_TABLES + whole, name)
    return frozenset(table for (table,) in rows)


def ensure(
    link: session.Session, name: str, wanted: Iterable[str], *, append_only: bool = False
) -> tuple[str, ...]:
    """Make the publication carry ``wanted``, and nothing less; returns the tables added.

    Refuses, before anything is changed, a table whose rows nothing identifies: publishing it
    would make the source refuse its updates and deletes.
    """
    names = tuple(sorted(wanted))
    for table in names:
        check(link, table)
    have = published(link, name, append_only=append_only)
    missing = tuple(t for t in names if t not in (have or ()))
    if have is not None and not missing:
        return ()
    listed = ", ".join(f"only {tables.quoted(t)}" for t in missing)
    quoted = tables.identifier(name)
    carried = f" for table {listed}" if names else ""
    kinds = " with (publish = 'insert')" if append_only else ""
    made = f"create publication {quoted}{carried}{kinds}"
    made += f"; comment on publication {quoted} is '{OURS}'"
    try:
        link.ask(made if have is None else f"alter publication {quoted} add table {listed}")
    except pg.InsufficientPrivilege as reason:
        text = reason.diag.message_primary or str(reason)
        raise _not_ours(link.place, name, missing, text, new=have is None) from None
    except (pg.DuplicateObject, pg.InvalidParameterValue) as reason:
        raise _altered(link.place, name, str(reason)) from None
    return missing


def drop(link: session.Session, name: str) -> bool:
    """Remove the publication; False when there was none."""
    if published(link, name) is None:
        return False
    link.ask(f"drop publication if exists {tables.identifier(name)}")
    return True


def check(link: session.Session, table: str) -> tables.Described:
    """The table's description; raises Refused when it cannot be captured."""
    found = tables.describe(link, table)
    if found.reason is not None:
        raise errors.Refused(
            "source.table_unfit", f"table {table} cannot be captured: {found.reason}", link.place,
            "Give it a primary key, or set its REPLICA IDENTITY USING INDEX; or leave it out.",
        )  # fmt: skip
    return found


def statement(name: str, missing: Iterable[str], *, new: bool) -> str:
    """What the owner of the tables has to run where this role may not."""
    listed = ", ".join(tables.quoted(t) for t in missing)
    quoted = tables.identifier(name)
    if new:
        return f"CREATE PUBLICATION {quoted} FOR TABLE {listed};"
    return f"ALTER PUBLICATION {quoted} ADD TABLE {listed};"


def _not_ours(
    place: str, name: str, missing: tuple[str, ...], text: str, *, new: bool
) -> errors.Refused:
    lacks = "does not exist" if new else f"lacks {', '.join(missing)}"
    return errors.Refused(
        "source.publication",
        f"the publication {name} {lacks}, and this role may not make it so ({text})",
        place,
        f"As the tables' owner run: {statement(name, missing, new=new)}",
    )


def _altered(place: str, name: str, text: str) -> errors.Refused:
    return errors.Refused(
        "source.publication_altered",
        f"publication {name} no longer carries whole tables: {text.splitlines()[0]}",
        place,
        "Drop the publication; the platform makes it again and copies what it missed.",
    )
