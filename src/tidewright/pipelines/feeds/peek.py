"""The feed: bulk reads of the durable slot that confirm nothing, framed on the server.

A peek may be repeated and gives the same again; only ``advance`` moves the slot, after the commit.
Frames are whole pgoutput messages; ``decode`` turns them into columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import errors as pg

from tidewright import errors
from tidewright.model import flow
from tidewright.pipelines.feeds import frames, publications, session, slots


class PeekFeed:
    """Reads one durable slot. Two sessions, so that a running peek blocks no question."""

    def __init__(self, source: flow.PostgresSource, secrets: Path | str) -> None:
        self._reader = session.Session(source.connection, secrets)
        self._side = session.Session(source.connection, secrets)
        self._slot = source.slot
        self._publication = source.publication
        self._append_only = source.append_only
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        """Whether the last peek came to its end, and not to its limit of messages."""
        return self._exhausted

    @property
    def side(self) -> session.Session:
        """The session for questions, for example those of ``tables``."""
        return self._side

    def close(self) -> None:
        self._reader.close()
        self._side.close()

    def peek(self, max_messages: int, upto_lsn: int | None = None) -> Iterator[bytes]:
        """Frames of whole transactions in commit order, from the confirmed position on.

        Ends with the transaction that reaches ``max_messages``; ``exhausted`` tells then that it
        did not. If so, transactions that commit before ``upto_lsn`` are all there, and the one
        that begins its commit record there may be.
        """
        self._exhausted = False
        try:
            with self._reader.guard():
                live = self._reader.open()
                query = frames.statement(
                    "pg_logical_slot_peek_binary_changes",
                    (self._slot, self._publication), max_messages, upto_lsn,
                )  # fmt: skip
                messages = yield from frames.read(live, query, self._gap)
                self._exhausted = messages < max_messages
        except pg.Error as reason:
            raise self._explain(reason) from None

    def advance(self, lsn: int) -> None:
        """Confirm everything before ``lsn``. Going back is not possible and is not tried."""
        query = (
            "select pg_replication_slot_advance(slot_name, %s::pg_lsn) from pg_replication_slots"
            " where slot_name = %s and confirmed_flush_lsn < %s::pg_lsn"
        )
        text = flow.lsn_text(lsn)
        try:
            self._reader.ask(query, text, self._slot, text)
        except pg.Error as reason:
            raise self._explain(reason) from None

    def slot(self) -> slots.SlotState:
        """The slot as it is now."""
        return slots.state(self._side, self._slot)

    def ensure(self, tables: tuple[str, ...], deadline: float = 30.0) -> int:
        """Make the publication, then the slot, unless they exist; the position it sends from.

        In this order: a slot that is older than its publication cannot be read, or skips.
        """
        if not self.slot().exists:
            slots.require_logical(self._side)  # said before what the publication lacks
        self.publish(tables)
        return slots.ensure(self._side, self._slot, deadline)

    def drop(self) -> None:
        """Give back the slot and remove the publication: nothing of ours stays."""
        slots.drop(self._side, self._slot)
        publications.drop(self._side, self._publication)

    def publish(self, tables: tuple[str, ...]) -> None:
        """Make the publication carry these tables too."""
        name, alone = self._publication, self._append_only
        publications.ensure(self._side, name, tables, append_only=alone)

    def published(self) -> frozenset[str] | None:
        """The tables that the publication carries whole; None when it is gone."""
        alone = self._append_only
        return publications.published(self._side, self._publication, append_only=alone)

    def emit(self, prefix: str, content: bytes, transactional: bool = True) -> int:
        """Write a logical message into the source's WAL; returns its LSN.

        Outside of a transaction, and before PostgreSQL 17, it comes with the next commit only.
        """
        version = self._side.open().info.server_version
        flush = ", true" if version >= 170000 else ""
        query = f"select pg_logical_emit_message(%s, %s, %s{flush})::text"
        return flow.lsn_value(self._side.ask(query, transactional, prefix, content)[0][0])

    def identity(self) -> flow.Identity:
        """Which source this is. Refuses a standby: its slot would not survive a promotion."""
        return identity(self._side)

    def same_source(self, expected: flow.Identity) -> None:
        """Refuse another cluster, database or timeline than the one that was followed so far."""
        found = self.identity()
        if found != expected:
            raise errors.Refused(
                "source.timeline",
                f"the source is {found}, and what was read so far came from {expected}",
                self._side.place,
                "Point back to the old source, or start anew: tidewright destroy, then up.",
            )

    def log_snapshot(self) -> bool:
        """Help the source to free WAL behind the slot; False where it cannot be asked to.

        It exists from PostgreSQL 16 on, for superusers and roles granted it. Without it the
        source does so by itself every 15 s, and a peek decodes again what came since.
        """
        query = (
            "select has_function_privilege(p.oid, 'execute') from pg_proc p"
            " where p.proname = 'pg_log_standby_snapshot'"
        )
        if self._side.ask(query) != [(True,)]:
            return False
        self._side.ask("select pg_log_standby_snapshot()")
        return True

    def now(self) -> int:
        """Where the source's WAL ends now."""
        return flow.lsn_value(self._side.ask("select pg_current_wal_lsn()::text")[0][0])

    def _gap(self) -> errors.PlatformError:
        return frames.publication_missing(self._reader.place, self._publication)

    def _explain(self, reason: psycopg.Error) -> errors.PlatformError:
        """Why the slot could not be used, found by looking rather than from a translated text."""
        place, name = self._reader.place, self._slot
        if isinstance(reason, pg.ObjectInUse):
            return slots.busy(place, name, reason)
        if isinstance(reason, pg.InsufficientPrivilege):
            return slots.denied(place, reason)
        slots.require_logical(self._side)
        found = self.slot()
        if not found.exists:
            return slot_missing(place, name)
        if found.lost is not None or isinstance(reason, pg.UndefinedFile):
            return slot_lost(place, name, found.lost or "its WAL is gone")
        if self.published() is None or isinstance(reason, pg.UndefinedObject):
            return self._gap()
        text = reason.diag.message_primary or str(reason)
        return session.Lost("source.failed", text, place, "See the source's own log.")


def slot_missing(place: str, name: str) -> errors.Refused:
    return errors.Refused(
        "source.slot_missing", f"slot {name} is gone: someone dropped it", place,
        "Changes since then cannot be known. Copy anew: tidewright destroy, then up.",
    )  # fmt: skip


def slot_lost(place: str, name: str, why: str) -> errors.Refused:
    return errors.Refused(
        "source.slot_lost", f"the source gave up slot {name}: {why}", place,
        "Raise max_slot_wal_keep_size, then copy anew: tidewright destroy, then up.",
    )  # fmt: skip


def identity(side: session.Session) -> flow.Identity:
    """Which source this is. Refuses a standby: its slot would not survive a promotion."""
    query = (
        "select pg_is_in_recovery(), system_identifier::text, current_database()"
        " from pg_control_system()"
    )
    standby, system, database = side.ask(query)[0]
    if standby:
        raise errors.Refused(
            "source.standby", "the source is a standby", side.place,
            "Name the primary in the source's url.",
        )  # fmt: skip
    # The control file's timeline is that of the last checkpoint; the WAL's name is current.
    query = "select pg_walfile_name(pg_current_wal_insert_lsn())"
    return flow.Identity(system, int(side.ask(query)[0][0][:8], 16), database)
