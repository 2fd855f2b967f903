"""The first copy: whole tables as of one consistent point, and the changes that follow it.

A temporary slot gives both. Its snapshot contains exactly the transactions whose commit record
starts before ``point``; the slot sends all the others, and vanishes with its session.
"""

from __future__ import annotations

import io
import secrets as random
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import abc
from psycopg import errors as pg
from pyarrow import csv

from tidewright import errors
from tidewright.model import flow
from tidewright.pipelines.decode import chunk, decoder, relation
from tidewright.pipelines.feeds import frames, session, slots, tables

PART_ROWS = 100_000
PART_BYTES = 32 << 20
HOLD_SECONDS = 5  # how long a table's lock is waited for


class Overtaken(session.Lost):
    """``tables`` have other files than those that the snapshot can read: they would look empty."""

    def __init__(self, names: Iterable[str], place: str) -> None:
        self.tables = tuple(sorted(names))
        super().__init__(
            "source.copy_overtaken",
            f"table {', '.join(self.tables)} was altered or truncated before it was read",
            place,
            "Nothing was kept of it; it is read again by itself.",
        )


class Snapshot:
    """``with Snapshot(source, secrets) as s: s.copy(table) ...; s.catch_up(position)``.

    Making its slot waits for every transaction that is open in the source at that moment; after
    ``deadline`` seconds that is an error which names the oldest one.
    """

    point: int

    def __init__(
        self, source: flow.PostgresSource, secrets: Path | str, deadline: float = 60.0
    ) -> None:
        self._source = source
        self._deadline = deadline
        self._holder = session.Session(source.connection, secrets, replication=True)
        self._copier = session.Session(source.connection, secrets)
        self._side = session.Session(source.connection, secrets)
        self._slot = f"tidewright_copy_{random.token_hex(6)}"
        self._taken_us = 0

    def __enter__(self) -> Snapshot:
        try:
            slots.require_logical(self._side)
            self._copier.open()  # now, for a truncate may come between the slot and the first lock
            self._begin(self._create())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the slot and the snapshot."""
        for link in (self._copier, self._holder, self._side):
            link.close()

    def copy(self, table: str, part_rows: int = PART_ROWS) -> Iterator[chunk.Part]:
        """The table's rows as of ``point``, in parts of bounded size, all with op ``r``."""
        self._copier.ask("savepoint copied")
        self.hold((table,))
        described = self.relation_of(table)
        names = ", ".join(tables.identifier(n) for n in described.names)
        source = f"select {names} from only {tables.quoted(table)}"  # noqa: S608  all quoted
        query = f"copy ({source}) to stdout (format csv)"
        try:
            with (
                self._copier.guard(),
                self._copier.open().cursor() as cursor,
                cursor.copy(query.encode()) as rows,
            ):
                yield from self._parts(described, rows, part_rows)
        except pg.InsufficientPrivilege as reason:
            raise slots.denied(self._side.place, reason) from None
        except pg.UndefinedColumn:
            self._copier.ask("rollback to savepoint copied")
            raise self.spoiled((table,)) from None
        self._copier.ask("release savepoint copied")

    def hold(self, names: Iterable[str]) -> None:
        """Lock the tables against changes of their form; raises Overtaken for one that came late.

        A table that was rewritten after ``point`` looks empty to older snapshots, and no change
        in the feed would ever bring its rows back. That table is left unlocked, and the others of
        the snapshot can still be read. The locks cannot come before the slot: it waits for every
        transaction, and one that wants to truncate would wait for us.
        """
        for name in names:
            self._copier.ask("savepoint held")
            try:
                self._lock(name)
                if self.overtaken((name,)):
                    raise self.spoiled((name,))
            except (pg.Error, errors.Refused, Overtaken):
                self._copier.ask("rollback to savepoint held")
                raise
            self._copier.ask("release savepoint held")

    def overtaken(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those whose rows the snapshot can no longer see; sound for good only once they are held.

        The column is read as of the snapshot, the function looks at the present.
        """
        query = (
            "select relfilenode = pg_relation_filenode(oid) from pg_class"
            " where oid = to_regclass(%s)"
        )
        return tuple(n for n in names if self._copier.ask(query, tables.quoted(n)) != [(True,)])

    def spoiled(self, names: Iterable[str]) -> Overtaken:
        """The error for tables that came too late."""
        return Overtaken(names, self._side.place)

    def let_go(self) -> None:
        """Give back every lock, so that whoever waits to alter or truncate can; heals an error."""
        self._copier.ask("rollback to savepoint begun")

    def _lock(self, name: str) -> None:
        try:
            self._copier.ask(f"set local lock_timeout = {HOLD_SECONDS * 1000:.0f}")
            self._copier.ask(f"lock table only {tables.quoted(name)} in access share mode")
            self._copier.ask("set local lock_timeout = 0")
        except pg.LockNotAvailable:
            raise self.spoiled((name,)) from None
        except pg.InsufficientPrivilege as reason:
            raise slots.denied(self._side.place, reason) from None
        except (pg.UndefinedTable, pg.InvalidSchemaName):
            raise tables.missing(self._side.place, name) from None

    @property
    def link(self) -> session.Session:
        """The session that sees the source's catalogs as of ``point``."""
        return self._copier

    @property
    def connection(self) -> psycopg.Connection:
        """The session that sees the source as of ``point``, for the verifier's own reading."""
        return self._copier.open()

    def relation_of(self, table: str) -> relation.Relation:
        """The table as the snapshot sees it."""
        return tables.relation_of(self._copier, table)

    def describe(self, table: str) -> tables.Described:
        """The table's catalog entries as the snapshot sees them."""
        return tables.describe(self._copier, table)

    def rows(self, query: str) -> session.Rows:
        """A query of the verifier, answered as of ``point``."""
        return self._copier.ask(query)

    def catch_up(
        self, upto: int, keys: relation.Keys, min_changes: int = PART_ROWS
    ) -> Iterator[chunk.Chunk]:
        """The changes of transactions from ``point`` to ``upto``, once; of all published tables.

        The first command on the slot's session ends the exported snapshot, so copies that are
        under way go on, and new ones need a new ``Snapshot``.
        """
        names = (self._slot, self._source.publication)
        query = frames.statement("pg_logical_slot_get_binary_changes", names, None, upto)
        made = decoder.decoder(keys)
        with self._holder.guard():
            for frame in frames.read(self._holder.open(), query, self._gap):
                made.feed(frame)
                while (found := made.take(min_changes)) is not None:
                    yield found.before(upto)
            yield made.finish().before(upto)

    def _create(self) -> str:
        live = self._holder.open()
        how = "(SNAPSHOT 'export')" if live.info.server_version >= 150000 else "EXPORT_SNAPSHOT"
        query = f"CREATE_REPLICATION_SLOT {self._slot} TEMPORARY LOGICAL pgoutput {how}"
        try:
            with slots.within(live, self._deadline, self._side), self._holder.guard():
                row = live.execute(query.encode())
                _, point, name, _ = row.fetchone() or ("", "0/0", "", "")
        except pg.Error as reason:
            raise slots.cannot_make(self._side.place, self._slot, reason) from None
        self.point = flow.lsn_value(point)
        return str(name)

    def _begin(self, name: str) -> None:
        self._copier.ask("begin isolation level repeatable read read only")
        self._copier.ask(f"set transaction snapshot {frames.literal(name)}")
        taken = self._copier.ask("select (extract(epoch from clock_timestamp()) * 1000000)::bigint")
        self._taken_us = taken[0][0]
        self._copier.ask("savepoint begun")

    def _parts(
        self, described: relation.Relation, rows: psycopg.Copy, part_rows: int
    ) -> Iterator[chunk.Part]:
        """Cut the stream between rows: the server sends one row at a time."""
        lines: list[abc.Buffer] = []
        size = start = 0
        for line in rows:
            lines.append(line)
            size += len(line)
            if len(lines) >= part_rows or size >= PART_BYTES:
                yield self._part(described, lines, start)
                start += len(lines)
                lines, size = [], 0
        if lines:
            yield self._part(described, lines, start)

    def _part(
        self, described: relation.Relation, lines: list[abc.Buffer], start: int
    ) -> chunk.Part:
        count = len(lines)
        read = _columns(b"".join(lines), described.names)
        same = {n: np.full(count, v) for n, v in (("lsn", self.point), ("us", self._taken_us))}
        return chunk.Part(
            described, np.full(count, chunk.READ, np.uint8), same["lsn"], np.zeros(count, np.int64),
            np.arange(start + 1, start + count + 1), same["us"], read, {},
        )  # fmt: skip

    def _gap(self) -> errors.PlatformError:
        return frames.publication_missing(self._side.place, self._source.publication)


def _columns(data: bytes, names: tuple[str, ...]) -> tuple[pa.Array, ...]:
    """Columns of text from CSV, where an empty field is null and a quoted one is an empty text."""
    if not names:
        return ()
    plain = [str(i) for i in range(len(names))]
    table = csv.read_csv(
        io.BytesIO(data),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=len(data) + 1, column_names=plain
        ),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(plain, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            check_utf8=False,
        ),
    )
    return tuple(column.combine_chunks() for column in table.columns)
