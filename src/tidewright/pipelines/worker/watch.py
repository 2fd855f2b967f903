"""What no change in the feed tells: rows that were rewritten, columns and keys that became others,
a publication that someone altered. Looks at the source's catalogs, and says what it means.

What a changed relation *in* the feed means is decided in ``evolve`` and done in ``staging``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import errors as pg

from tidewright.pipelines.core import acts
from tidewright.pipelines.feeds import peek, session
from tidewright.pipelines.worker import evolve, following, staging, tables


def look(feed: peek.PeekFeed, followed: Mapping[str, tables.Followed]) -> acts.Outcome | None:
    """Everything that can be seen from outside; raises Trouble for the first unfit table."""
    check_shapes(feed.side, list(followed.values()))
    return _check_published(feed, followed)


def check_shapes(link: session.Session, looked_at: Sequence[tables.Followed]) -> None:
    """Raise Trouble for a table whose rows or columns became others without a word of it."""
    if not looked_at:
        return
    now = following.shapes(link, [table.oid for table in looked_at])
    for table in looked_at:
        table.changed = False
        shape = now.get(table.oid)
        if shape is None:
            raise staging.Trouble(table.name, "the table was dropped in the source")
        if shape == table.shape:
            continue
        if evolve.rewritten(table.shape, shape):
            what = "ALTER TABLE rewrote its rows, and the feed does not carry the new values"
            raise staging.Trouble(table.name, what)
        _check_columns(link, table)
        table.shape = shape
        table.lake[0].set_properties(tables.shape_text(shape))


def check_copied(link: session.Session, copied: Sequence[tables.Followed]) -> None:
    """Raise Trouble for a table whose form is another one than the snapshot of its copy has.

    Stricter than ``check_shapes``: a column that came with a default, say, can be copied, and
    could not be followed.
    """
    now = following.shapes(link, [table.oid for table in copied])
    for table in copied:
        if now.get(table.oid) != table.shape:
            raise staging.Trouble(table.name, "its form is not that of the snapshot", shape=True)


def _check_columns(link: session.Session, table: tables.Followed) -> None:
    """A column that was dropped and made again keeps its name: only its number tells.

    Of another key the feed says nothing when it brings whole old rows.
    """
    try:
        evolve.same_key(table.key, following.live_key(link, table.name))
    except evolve.Impossible as problem:
        raise staging.Trouble(table.name, str(problem)) from None
    live = following.live_columns(link, table.name)
    numbers = {name: column.attnum for name, column in live.items()}
    again = [c.name for c in table.known if numbers.get(c.name, c.attnum) != c.attnum]
    if again:
        what = f"column {', '.join(again)} was dropped and made again in the source"
        raise staging.Trouble(table.name, what)


def _published(feed: peek.PeekFeed) -> frozenset[str] | None:
    """The server opens each table to answer, and so queues behind a truncate that waits.

    That one may wait for our own copy, or for a cut that waits for us: better look another time.
    """
    feed.side.ask("set lock_timeout = 100")
    try:
        return feed.published()
    finally:
        feed.side.ask("set lock_timeout = 0")


def _check_published(
    feed: peek.PeekFeed, followed: Mapping[str, tables.Followed]
) -> acts.Outcome | None:
    """A table that someone took out of the publication sends nothing, and no error either."""
    try:
        carried = _published(feed) if followed else frozenset()
    except pg.LockNotAvailable:
        return None
    if carried is None:
        return acts.SlotGone(
            "source.publication_missing",
            "the publication was dropped: what came since cannot be known",
        )
    for name in followed:
        if name not in carried:
            raise staging.Trouble(name, "it was taken out of the publication")
    return None
