"""The durable slot on a source: its state, making it, giving it back.

Reading from it is ``peek``'s work; what it publishes is told in ``publications``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import errors as pg

from tidewright import errors
from tidewright.model import flow
from tidewright.pipelines.feeds import session


@dataclass(frozen=True, slots=True)
class SlotState:
    """What the source says of the slot. LSNs are numbers; None where it says nothing.

    ``confirmed``: what it will not send again. ``kept_bytes``: WAL that it makes the source keep;
    ``cap_bytes``: where the source gives it up (None: never). ``safe_bytes``: what may still be
    written until then. ``lost``: why it can no longer be read.
    """

    name: str
    exists: bool
    active_pid: int | None = None
    confirmed: int | None = None
    restart: int | None = None
    status: str | None = None
    safe_bytes: int | None = None
    lost: str | None = None
    kept_bytes: int | None = None
    lag_bytes: int | None = None
    cap_bytes: int | None = None


_STATE = """
select s.active_pid, s.confirmed_flush_lsn::text, s.restart_lsn::text, s.wal_status,
  s.safe_wal_size,
  case when s.wal_status = 'lost' then {reason} end,
  pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::bigint,
  pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::bigint,
  (select nullif(setting::bigint, -1) * 1048576 from pg_settings
   where name = 'max_slot_wal_keep_size')
from pg_replication_slots s where s.slot_name = %s and s.plugin = 'pgoutput'
  and s.database = current_database()
"""


def state(link: session.Session, name: str) -> SlotState:
    """The slot as it is now."""
    version = link.open().info.server_version
    known = "s.invalidation_reason" if version >= 170000 else "null"
    reason = f"coalesce({known}, 'wal_removed')"
    rows = link.ask(_STATE.format(reason=reason), name)
    if not rows:
        return SlotState(name, exists=False)
    pid, confirmed, restart, status, safe, lost, kept, lag, cap = rows[0]
    return SlotState(
        name, True, pid, _lsn(confirmed), _lsn(restart), status, safe, lost, kept, lag, cap
    )


def ensure(link: session.Session, name: str, deadline: float = 30.0) -> int:
    """Make the slot unless it exists; returns the position from which it will send.

    Making one waits for every transaction that is open at that moment, hence the deadline.
    """
    found = state(link, name)
    if found.exists:
        return found.confirmed or 0
    require_logical(link)
    query = "select lsn::text from pg_create_logical_replication_slot(%s, 'pgoutput')"
    try:
        with within(link.open(), deadline, link):
            return flow.lsn_value(link.ask(query, name)[0][0])
    except pg.Error as reason:
        raise cannot_make(link.place, name, reason) from None


def drop(link: session.Session, name: str) -> bool:
    """Give the slot back; False when there was none."""
    query = (
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s"
    )
    try:
        return bool(link.ask(query, name))
    except pg.ObjectInUse as reason:
        raise busy(link.place, name, reason) from None


def require_logical(link: session.Session) -> None:
    """Refuse a source whose WAL does not carry logical changes."""
    level = link.ask("select current_setting('wal_level')")[0][0]
    if level != "logical":
        raise errors.Refused(
            "source.wal_level", f"the source runs with wal_level = {level}", link.place,
            "Run: alter system set wal_level = 'logical'; then restart the source.",
        )  # fmt: skip


@contextmanager
def within(waiting: psycopg.Connection, deadline: float, link: session.Session) -> Iterator[None]:
    """Cancel what ``waiting`` runs after ``deadline`` seconds, and say whom it waited for."""
    timer = threading.Timer(deadline, waiting.cancel_safe)
    timer.daemon = True
    timer.start()
    try:
        yield
    except pg.QueryCanceled:
        raise errors.TimedOut(
            "source.slot_wait",
            f"a slot could not be made within {deadline:g} s: {oldest_transaction(link)}",
            link.place,
            "End that transaction (or wait for it), then try again.",
        ) from None
    finally:
        timer.cancel()


def cannot_make(place: str, name: str, reason: psycopg.Error) -> errors.PlatformError:
    """The error for a slot that the source refuses to make."""
    text = reason.diag.message_primary or str(reason)
    match reason:
        case pg.ConfigurationLimitExceeded():
            hint = "Raise max_replication_slots or drop a slot that nobody reads."
            return errors.Refused("source.no_free_slot", text, place, hint)
        case pg.DuplicateObject():
            hint = "Drop it, or give this platform another name."
            what = f"slot {name} exists, but for another database or plugin"
            return errors.Refused("source.slot_taken", what, place, hint)
        case pg.InsufficientPrivilege():
            return denied(place, reason)
        case _:
            return errors.StepFailed("source.failed", text, place, "See the source's own log.")


def denied(place: str, reason: psycopg.Error) -> errors.Refused:
    """The error for a right that the role lacks."""
    return errors.Refused(
        "source.rights", f"the source refuses: {reason.diag.message_primary}", place,
        "Give the role REPLICATION, and SELECT on the captured tables.",
    )  # fmt: skip


def oldest_transaction(link: session.Session) -> str:
    """Who a new slot is waiting for, as words for a message."""
    rows = link.ask(
        "select pid, usename, extract(epoch from clock_timestamp() - xact_start)::int"
        " from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()"
        " order by xact_start limit 1"
    )
    if not rows:
        return "no open transaction is visible to this role"
    pid, user, seconds = rows[0]
    return f"the oldest open transaction is that of process {pid} (user {user}), {seconds} s old"


def busy(place: str, name: str, reason: psycopg.Error) -> session.Lost:
    """The error for a slot that another process is reading."""
    return session.Lost(
        "source.slot_busy", f"slot {name} is in use: {reason.diag.message_primary}", place,
        "Stop the other reader; after a crash the source lets it go within moments.",
    )  # fmt: skip


def _lsn(text: str | None) -> int | None:
    return None if text is None else flow.lsn_value(text)
