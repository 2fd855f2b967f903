"""Is every row of a source in the lake that real engines wrote, at one moment, under load?

Writers of the captured tables wait for as long as it takes: the tables are locked in share mode, so
what is in them is what the lake must come to. When Debezium has confirmed that moment, and Flink
has finished checkpoints that began later, both sides are compared, again and again while the job
still has something to read. A lake that lost a row never becomes equal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import duckdb
import psycopg
from psycopg import errors as pg

from tidewright import errors
from tidewright.clients import duckdb as ducks
from tidewright.clients import postgres, rest, trino
from tidewright.model import acts, native
from tidewright.operations import lakeside, state
from tidewright.operations.proofs.proof import Proof, Say, exact, tell
from tidewright.pipelines.compare import engines, tables
from tidewright.pipelines.feeds import session
from tidewright.pipelines.feeds import tables as catalogs
from tidewright.pipelines.lake import reader
from tidewright.vault import files as vault

LOCK_SECONDS = 10
# Engines that were just restarted find each other again within a minute or two.
PATIENCE = 180.0
EVERY = 1.0
SAY_EVERY = 5.0
CHECKPOINTS = 2  # that end after the cut: the first of them may have begun before
MARK = "select pg_logical_emit_message(false, 'tidewright', 'cut')"
_SLOT = "select confirmed_flush_lsn >= %s::pg_lsn from pg_replication_slots where slot_name = %s"
_TABLES = """
select table_namespace || '.' || table_name, metadata_location from iceberg_tables
where catalog_name = %s and metadata_location is not null
"""


Compared: TypeAlias = tuple[tuple[acts.TableDifference, ...], tuple[acts.Invariant, ...]]


@dataclass(frozen=True, slots=True)
class Cut:
    """The source stands still: ``conn`` reads it. ``at``: its position, ``until``: our patience."""

    conn: psycopg.Connection
    at: str
    until: float


def prove(
    environment: state.Environment, name: str, job: native.DeployJob, say: Say, seconds: float
) -> Proof:
    """Compare every captured table, current and raw; Trino counts the same snapshots."""
    began = time.monotonic()
    with _held(job, seconds) as cut:
        say(f"cut at {cut.at}: writers of the captured tables wait")
        _confirmed(job, cut, say)
        _checkpointed(job, cut, say)
        found, invariants = _compared(job, cut, say)
        say(f"writers waited for {time.monotonic() - began:.1f} s")
    tell(say, invariants)
    return Proof(cut.at, found, invariants)


@contextmanager
def _held(job: native.DeployJob, seconds: float) -> Iterator[Cut]:
    """Nobody writes the tables meanwhile; a transaction that is open now ends first."""
    names = ", ".join(catalogs.quoted(t) for t in job.capture.tables)
    with postgres.connect(job.owner, str(job.secrets)) as conn:
        conn.execute("begin isolation level repeatable read")
        conn.execute(f"set local lock_timeout = '{LOCK_SECONDS}s'".encode())
        try:
            conn.execute(f"lock table {names} in share mode".encode())
        except pg.LockNotAvailable:
            raise errors.TimedOut(
                "lake.cut_not_held", f"a transaction has held {names} for {LOCK_SECONDS} s",
                f"source {job.name}", "Run it again when that transaction has ended.",
            ) from None  # fmt: skip
        row = conn.execute("select pg_current_wal_insert_lsn()::text").fetchone()
        assert row is not None
        yield Cut(conn, str(row[0]), time.monotonic() + max(seconds, PATIENCE))
        conn.execute("rollback")


def _confirmed(job: native.DeployJob, cut: Cut, say: Say) -> None:
    """Debezium has handed on everything before the cut, and Kafka has it."""
    with postgres.connect(job.owner, str(job.secrets), autocommit=True) as conn:
        told = time.monotonic()
        while True:
            conn.execute(MARK)
            row = conn.execute(_SLOT, (cut.at, job.source.slot)).fetchone()
            if row is not None and row[0]:
                return
            told = _wait(cut, told, say, "Debezium to confirm the cut")


def _checkpointed(job: native.DeployJob, cut: Cut, say: Say) -> None:
    """Flink has finished checkpoints that began after the cut. Another job counts from nothing."""
    first, told = None, time.monotonic()
    while True:
        done = _completed(job)
        if first is None or (done is not None and done[0] != first[0]):
            first = done
        if first is not None and done is not None and done[1] >= first[1] + CHECKPOINTS:
            return
        told = _wait(cut, told, say, "Flink to finish a checkpoint")


def _completed(job: native.DeployJob) -> tuple[str, int] | None:
    """The job, and how many checkpoints it has finished; None: none runs, or nobody answers."""
    try:
        overview = rest.get(f"{job.flink}/jobs/overview") or {"jobs": []}
        running = [j["jid"] for j in overview["jobs"] if j["state"] == "RUNNING"]
        told = rest.get(f"{job.flink}/jobs/{running[0]}/checkpoints") if running else None
    except errors.StepFailed:
        return None
    return None if told is None else (str(running[0]), int(told["counts"]["completed"]))


def _compared(job: native.DeployJob, cut: Cut, say: Say) -> Compared:
    """What is found when all of it holds, or when patience ends.

    Each table has commits of its own, so one look may find them at different moments.
    """
    told = time.monotonic()
    keys = {table: _key(job, table) for table in job.capture.tables}
    while True:
        try:
            found, invariants = _look(job, cut, keys)
        except errors.PromiseBroken:
            # A slow look at metadata that a hundred newer commits have pushed out.
            if time.monotonic() > cut.until:
                raise
            told = _wait(cut, told, say, "a look that is quicker than the commits")
            continue
        holds = all(exact(one) for one in found) and all(i.ok for i in invariants)
        if holds or time.monotonic() > cut.until:
            for one in found:
                word = "exact" if exact(one) else "DIFFERENT"
                say(f"{one.table}: {one.source_rows:,} rows, {word}")
            return found, invariants
        told = _wait(cut, told, say, "the job to land what the topics hold", patient=True)


def _look(job: native.DeployJob, cut: Cut, keys: Mapping[str, tuple[str, ...]]) -> Compared:
    """Both sides at the metadata that the catalog names now: one look is of one moment."""
    points = _points(job)
    with lakeside.readable(job.name):
        duck = _views(job, points)
        found = tuple(tables.compare(cut.conn, duck, table, key) for table, key in keys.items())
        invariants = tuple(_invariants(job, duck, keys))
        counted = tuple(_counted(job, duck, one, points[one.table]) for one in found)
    return found, (*invariants, *counted)


def _key(job: native.DeployJob, table: str) -> tuple[str, ...]:
    link = session.Session(job.source.connection, Path(str(job.secrets)))
    try:
        return catalogs.describe(link, table).primary
    finally:
        link.close()


def _points(job: native.DeployJob) -> dict[str, str]:
    """The metadata file of each table. Raises Refused while a captured one is not there."""
    with postgres.connect(job.catalog, str(job.secrets)) as conn:
        rows = conn.execute(_TABLES, (native.CATALOG,)).fetchall()
    points = {str(name): str(place) for name, place in rows}
    missing = set(job.capture.tables) - points.keys()
    if missing:
        raise errors.Refused(
            "lake.empty", f"the lake has no {', '.join(sorted(missing))} yet", f"source {job.name}",
            "Wait for the first checkpoint of the job: `tidewright status` shows how it is.",
        )  # fmt: skip
    return points


def _views(job: native.DeployJob, points: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
    """Every table under its own name, read by DuckDB from the object store.

    Current tables are copied: each read of one applies all its equality deletes, which takes
    seconds, and a comparison reads it often.
    """
    duck = ducks.connect()
    ducks.reach(duck, job.objects, lambda name: vault.read(str(job.secrets), name))
    duck.execute("set timezone = 'UTC'")
    pinned = {name: reader.PinnedTable(None, place) for name, place in points.items()}
    for view in reader.views(reader.Pinned(0, job.name, "", "", None, pinned, {})):
        name = f"{view.schema}.{view.table}"
        kind = "table" if name in job.capture.tables else "view"
        duck.execute(f"create schema if not exists {tables.quoted(view.schema)}")
        duck.execute(f"create {kind} {tables.relation(name)} as select * from {view.source}")  # noqa: S608  quoted
    return duck


def _invariants(
    job: native.DeployJob, duck: duckdb.DuckDBPyConnection, keys: Mapping[str, tuple[str, ...]]
) -> Iterator[acts.Invariant]:
    for table, key in keys.items():
        raw = f"{job.capture.raw_namespace}.{table.partition('.')[2]}"
        yield from engines.invariants(duck, raw, table, key)


def _counted(
    job: native.DeployJob,
    duck: duckdb.DuckDBPyConnection,
    one: acts.TableDifference,
    metadata: str,
) -> acts.Invariant:
    """Another engine reads the same snapshot, deletes applied."""
    name = f"Trino reads {one.table}"
    text = duck.execute("select content from read_text(?)", [metadata]).fetchall()
    snapshot = json.loads(str(text[0][0])).get("current-snapshot-id")
    if snapshot is None or snapshot < 0:
        return acts.Invariant(name, one.lake_rows == 0, "the table has no snapshot yet")
    query = f"select count(*) from {tables.relation(one.table)} for version as of {int(snapshot)}"  # noqa: S608  quoted, and a number
    try:
        rows = int(trino.ask(str(job.sql), query).rows[0][0])
    except trino.Refused as reason:
        return acts.Invariant(name, False, str(reason))
    return acts.Invariant(name, rows == one.lake_rows, f"{rows:,} rows of {one.lake_rows:,}")


def _wait(cut: Cut, told: float, say: Say, what: str, *, patient: bool = False) -> float:
    """A short sleep, and a word now and then. Raises TimedOut when patience ends."""
    now = time.monotonic()
    if now > cut.until and not patient:
        raise errors.TimedOut(
            "lake.cut_not_held", f"waited in vain for {what}", f"cut {cut.at}",
            "Look at `tidewright status`; run it again when all engines are healthy.",
        )  # fmt: skip
    if now - told > SAY_EVERY:
        say(f"waiting for {what}")
        told = now
    time.sleep(EVERY)
    return told
