"""One open lake of one flow: the only committer, fenced by its lease.

``commit`` writes what is staged in all tables, makes it durable, and swaps every pointer in one
database transaction together with the commits row. Its outcome is done, refused or unknown; after
anything but done the caller reads the lake again (``read_back``, ``reload``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import flow as flows
from tidewright.model import jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import care, catalog, durable, loading, metadata
from tidewright.pipelines.lake import table as lake_table
from tidewright.pipelines.lake.catalog import (  # the outcomes, under the store's own name
    CommitFacts,
    CommitRow,
    Done,
    Refused,
    Unknown,
)

__all__ = ["CommitFacts", "CommitRow", "Done", "Keep", "Refused", "Store", "Unknown"]

Keep = metadata.Keep
KEEP = metadata.Keep()


@dataclass(frozen=True, slots=True)
class Options:
    """How a store behaves; ``fault`` is called at the named points of ``core.faults``."""

    keep: metadata.Keep = KEEP
    fault: faults.Fault = faults.none


OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class _Pending:
    """A commit that is written, and whose swap was at least begun."""

    swap: catalog.Swap
    prepared: Mapping[str, lake_table.Prepared]


class Store:
    """Open it with ``Store.open``; use it from one thread."""

    def __init__(self, job: jobs.Lake, secrets: Path | str, flow: str, options: Options) -> None:
        self._job, self._secrets = job, secrets
        self._flow = flow
        self._options = options
        self._warehouse = Path(str(job.warehouse))
        self._syncer = durable.Syncer()
        self._tables: dict[str, lake_table.Table] = {}
        self._replaced: dict[str, lake_table.Table] = {}
        self._last: CommitRow | None = None
        self._doubt: _Pending | None = None
        self._conn: psycopg.Connection | None = None
        self._care = care.Care(options.keep, self._warehouse)
        self.epoch = 0

    @classmethod
    def open(
        cls,
        job: jobs.Lake,
        secrets: Path | str,
        flow: str,
        owner: str,
        options: Options = OPTIONS,
    ) -> Store:
        """Create what is missing, fence every older writer of the flow, and read its tables."""
        store = cls(job, secrets, flow, options)
        try:
            store._begin(owner)
        except BaseException:
            store.close()
            raise
        return store

    def _begin(self, owner: str) -> None:
        durable.check_folder(self._warehouse)
        durable.make_folder(self._warehouse, self._warehouse)
        with catalog.reaching(self._flow):
            conn = self._connection()
            catalog.prepare(conn)
            self.epoch = catalog.take_lease(conn, self._flow, owner)
        self.reload()

    def close(self) -> None:
        """Give back connection and threads; what is staged is lost."""
        self._hang_up()
        self._care.close()
        self._syncer.close()

    # -- tables -----------------------------------------------------------------------------

    def last_commit(self) -> CommitRow | None:
        """The newest commit of the flow, as this store knows it."""
        return self._last

    def table(self, name: str) -> lake_table.Table | None:
        return self._tables.get(name)

    @property
    def tables(self) -> Mapping[str, lake_table.Table]:
        """Every table of the flow, created and not yet committed ones included."""
        return dict(self._tables)

    def create(
        self, name: str, schema: Schema, partition: PartitionSpec, properties: Mapping[str, str]
    ) -> lake_table.Table:
        """Stage a new table; it becomes visible with the next commit, even without rows."""
        if name in self._tables:
            raise errors.Bug(
                "lake.table_exists", "the table is there already", f"table {name}",
                "Report this with the log of the service.",
            )  # fmt: skip
        made = self.prepare(name, schema, partition, properties)
        self._tables[name] = made
        return made

    def prepare(
        self, name: str, schema: Schema, partition: PartitionSpec, properties: Mapping[str, str]
    ) -> lake_table.Table:
        """A new table that no commit touches before ``adopt``; a copy may fill it in a thread."""
        return loading.create(self._origin(name), schema, partition, properties)

    def adopt(self, table: lake_table.Table) -> None:
        """Stage a prepared table; one of the same name is replaced by it with the next commit."""
        before = self._tables.get(table.name)
        if before is not None and before.state.location is not None:
            self._replaced[table.name] = before
        self._tables[table.name] = table

    def reload(self) -> None:
        """Forget what is staged and in memory, and read every table again."""
        with catalog.reaching(self._flow):
            conn = self._connection()
            # Waits for a commit in doubt that may still be on its way.
            catalog.epoch(conn, self._flow)
            self._last = catalog.last_commit(conn, self._flow)
            present = catalog.pointers(conn)
        self._doubt = None
        found = self._last.tables if self._last else {}
        for name, point in found.items():
            _agree(name, point.metadata, present.get(name))
        self._replaced.clear()
        self._tables = {n: loading.load(self._origin(n), p.metadata) for n, p in found.items()}
        if self._last is not None:
            _check_facts(self._last, self._tables)

    def check_source(self, table: lake_table.Table) -> None:
        """Refuse a table of another source than the last commit's. One that is not followed any
        more may be of an older source, and is not checked.
        """
        if self._last is not None:
            source = table.properties.get(metadata.SOURCE)
            if source != self._last.source:
                raise _disagrees(table.name, f"it is of {source}, the last commit of another")

    def discard(self) -> None:
        """Drop everything staged since the last commit; its files become orphans.

        They stay until the next start: a thread that still copies or compacts, or a commit in
        doubt, may know them.
        """
        for table in self._tables.values():
            table.discard()
        self._tables |= self._replaced
        self._replaced.clear()
        self._tables = {n: t for n, t in self._tables.items() if t.state.location is not None}

    def _origin(self, name: str) -> loading.Origin:
        return loading.Origin(name, self._warehouse, self._syncer.add)

    # -- committing -------------------------------------------------------------------------

    def commit(self, facts: CommitFacts) -> Done | Refused | Unknown:
        """Everything staged in all tables, in one transaction."""
        if self._doubt is not None:
            raise errors.Bug(
                "lake.in_doubt", "a commit was begun while another one is in doubt",
                f"flow {self._flow}", "Report this with the log of the service.",
            )  # fmt: skip
        pending = self._write(facts)
        try:
            identity = catalog.swap(
                self._connection(), pending.swap, lambda: self._options.fault("before_swap")
            )
        except catalog.Stop as stop:
            return stop.refused
        except psycopg.Error as reason:
            return self._in_doubt(pending, str(reason).partition("\n")[0])
        self._options.fault("swapped")
        return self._advance(identity, pending)

    def read_back(self, token: UUID) -> Done | Refused:
        """What became of a commit in doubt. Raises the connection's error while that fails."""
        self._hang_up()
        with catalog.reaching(self._flow):
            identity = catalog.find(self._connection(), self._flow, token)
        pending, self._doubt = self._doubt, None
        if identity is None:
            return Refused("not_there", "the commit in doubt did not arrive and never will")
        if pending is not None and pending.swap.token == token:
            return self._advance(identity, pending)
        self.reload()
        return Done(identity, self._last.tables if self._last else {})

    def _write(self, facts: CommitFacts) -> _Pending:
        """Every file of the commit, durable: data, then manifests, then metadata."""
        fault = self._options.fault
        position = facts.position
        told = {metadata.POSITION: position.text, metadata.SOURCE: str(position.identity)}
        tell = lake_table.Tell(int(time.time() * 1000), told, self._options.keep)
        touched = {n: t for n, t in self._tables.items() if t.staged}
        prepared = {n: t.prepare(tell) for n, t in touched.items()}
        fault("data_written")
        self._syncer.wait()
        fault("synced")
        for name, table in touched.items():
            table.write_metadata(prepared[name])
        self._syncer.wait()
        fault("staged")
        return _Pending(self._swap(facts, prepared), prepared)

    def _swap(
        self, facts: CommitFacts, prepared: Mapping[str, lake_table.Prepared]
    ) -> catalog.Swap:
        moves = [catalog.Move(n, self._before(n), p.point.metadata) for n, p in prepared.items()]
        points = {n: t.point for n, t in self._tables.items() if n not in prepared}
        points |= {n: p.point for n, p in prepared.items()}
        return catalog.Swap(self._flow, self.epoch, uuid4(), facts, moves, points)

    def _before(self, name: str) -> str | None:
        """Where the catalog must still point for the swap to go through."""
        before = self._replaced.get(name, self._tables[name])
        return before.state.location

    def _advance(self, identity: int, pending: _Pending) -> Done:
        for name, prepared in pending.prepared.items():
            self._care.free(self._tables[name].advance(prepared))
        for before in self._replaced.values():
            self._care.free(before.every_file())
        self._replaced.clear()
        swap, position = pending.swap, pending.swap.facts.position
        self._last = CommitRow(
            identity, self._flow, self.epoch, swap.token, position.kind, str(position.identity),
            position.text, swap.tables, swap.facts.state,
        )  # fmt: skip
        return Done(identity, swap.tables)

    def _in_doubt(self, pending: _Pending, detail: str) -> Unknown:
        self._doubt = pending
        self._hang_up()
        return Unknown(pending.swap.token, detail)

    # -- care and connection ----------------------------------------------------------------

    def care(self) -> None:
        """One small step of upkeep between commits; none while a commit is in doubt."""
        if self._doubt is None:
            with catalog.reaching(self._flow):
                self._care.step(self._connection(), self._flow, self._tables)

    def _connection(self) -> psycopg.Connection:
        if self._conn is None or self._conn.closed:
            self._conn = postgres.connect(self._job.catalog, self._secrets)
        return self._conn

    def _hang_up(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def _agree(name: str, committed: str, present: str | None) -> None:
    if committed != present:
        raise _disagrees(name, f"the last commit left it at {committed}, the catalog has {present}")


def _check_facts(last: CommitRow, found: Mapping[str, lake_table.Table]) -> None:
    """A table is at the last commit's position or, when that did not touch it, at an older one.

    Positions of another source say nothing here; see ``check_source``.
    """
    limit = flows.position_value(last.kind, last.position)
    for name, table in found.items():
        position = table.properties.get(metadata.POSITION)
        source = table.properties.get(metadata.SOURCE)
        ahead = position is None or flows.position_value(last.kind, position) > limit
        if source is None or (ahead and source == last.source):
            raise _disagrees(
                name,
                f"it says position {position} of {source}, the last commit {last.position} of "
                f"{last.source}",
            )


def _disagrees(name: str, what: str) -> errors.Refused:
    return errors.Refused(
        "lake.disagrees",
        f"table and commits row disagree: {what}",
        f"table {name}",
        "Something else wrote to the lake. Restore catalog and warehouse from one backup, or "
        "begin anew with destroy and up.",
    )
