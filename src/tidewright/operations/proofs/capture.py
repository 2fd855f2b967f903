"""Is every row of a captured source in the lake, at one cut, under load?

The worker is asked to stand still for a moment, a snapshot of the source is opened, and the worker
commits exactly at that snapshot's position. From there on both sides are read at leisure.

A table that somebody truncates after the cut, before it is read, looks empty to the snapshot. It is
not judged: the cut is made again, and such a table locked at once, until it has been read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
from psycopg import errors as pg

from tidewright import errors
from tidewright.model import acts, jobs
from tidewright.model import flow as flows
from tidewright.operations import lakeside, observing, state
from tidewright.operations.proofs.proof import Proof, Say, file_checks, tell
from tidewright.pipelines.compare import rawlog, tables, topics
from tidewright.pipelines.decode import relation as relations
from tidewright.pipelines.feeds import snapshot
from tidewright.pipelines.feeds import tables as catalogs
from tidewright.pipelines.lake import reader
from tidewright.pipelines.worker import cuts, stops

SAY_EVERY = 5.0
SLOT_EVERY = 1.0
CUTS = 5  # how often one is made before we give up
SILENT_MS = 15_000  # a worker writes its status each second


@dataclass(frozen=True, slots=True)
class Cut:
    """Both sides at the same position. ``held``: tables that are locked since the cut."""

    position: int
    source: snapshot.Snapshot
    pinned: reader.Pinned
    held: tuple[str, ...] = ()


def prove(
    environment: state.Environment, name: str, capture: jobs.CaptureJob, say: Say, seconds: float
) -> Proof:
    """Compare every followed table with the source. Tables that stopped make it fail.

    Of a topic the source keeps what is new; its ledger says what there ever was.
    """
    _check_capture(environment, name)
    _wait_for_first_copy(environment, name, say, seconds)
    late: frozenset[str] = frozenset()
    number, deadline = 1, time.monotonic() + seconds
    with lakeside.asked(environment, capture) as conn:
        while number <= CUTS:
            stopped = stopped_tables(conn, capture)
            if stopped.keys() >= set(capture.capture.tables):
                return _all_stopped(stopped, say)
            held = tuple(sorted(late - stopped.keys()))
            try:
                with _cut(conn, capture, seconds, say, held) as cut:
                    return at_cut(environment, capture, cut, stopped, say)
            except snapshot.Overtaken as found:
                names, late = ", ".join(found.tables), late | {*found.tables}
                again = f"altered or truncated after cut {number} of {CUTS}, before it was read"
                say(f"{names}: {again}")
                number += 1
            except errors.PlatformError as reason:
                # Two are asked for: one is capture's, and a first copy may be using the other.
                if reason.code != "source.no_free_slot" or time.monotonic() > deadline:
                    raise
                say("waiting for a free replication slot of the source")
                time.sleep(SLOT_EVERY)
    raise errors.TimedOut(
        "lake.cut_overtaken",
        f"{names} could not be compared: altered or truncated after each of {CUTS} cuts,"
        " before it could be read",
        f"flow {capture.name}",
        "This says nothing against the lake. Run it again when that table is left alone for a"
        " moment.",
    )


def _all_stopped(stopped: Mapping[str, str], say: Say) -> Proof:
    """Nothing is followed, so there is nothing to stand still and be compared."""
    found = tuple(acts.Invariant(f"{t} is followed", False, why) for t, why in stopped.items())
    tell(say, found)
    return Proof("", (), found)


def at_cut(
    environment: state.Environment,
    capture: jobs.CaptureJob,
    cut: Cut,
    stopped: dict[str, str],
    say: Say,
) -> Proof:
    """Compare both sides of a cut. ``stopped``: table -> why it stands still."""
    names = _followed(capture, cut, stopped)
    with lakeside.readable(capture.name):
        duck = lakeside.views(cut.pinned)
        found = _compared(capture, cut, duck, names, say)
        invariants = _invariants(environment, capture, cut, duck, stopped, say)
    return Proof(flows.lsn_text(cut.position), found, invariants)


def _check_capture(environment: state.Environment, name: str) -> None:
    """A capture that stands still for good would never answer."""
    seen = observing.observe(environment.place.root).capture
    if seen is not None and seen.state == "stopped":
        raise errors.Refused(
            "lake.cut_not_reached", f"capture stands still: {seen.message}", f"service {name}",
            "Only a running capture can be compared with its source.",
        )  # fmt: skip


def _wait_for_first_copy(
    environment: state.Environment, name: str, say: Say, seconds: float
) -> None:
    """Nothing can be compared before the first table is followed, and a copy may take hours."""
    deadline, next_word = time.monotonic() + seconds, 0.0
    while (rows := _copied(environment)) is not None:
        now = time.monotonic()
        if now > deadline:
            raise errors.TimedOut(
                "lake.first_copy", f"the first copy is still under way: {rows:,} rows so far",
                f"service {name}",
                "Run it again once `tidewright status` shows the tables as followed.",
            )  # fmt: skip
        if now > next_word:
            say(f"waiting for the first copy: {rows:,} rows so far")
            next_word = now + SAY_EVERY
        time.sleep(0.1)


def _copied(environment: state.Environment) -> int | None:
    """How many rows the first copy has so far; None: some table is followed, or none is copied."""
    found = observing.observe(environment.place.root)
    seen = found.capture
    states = [d.state for d in seen.datasets] if seen is not None else []
    if seen is None or "copying" not in states or "following" in states:
        return None
    if found.at_ms - seen.at_ms > SILENT_MS:
        return None  # the word of a worker that is gone
    return sum(d.rows for d in seen.datasets if d.state == "copying")


@contextmanager
def _cut(
    conn: psycopg.Connection,
    capture: jobs.CaptureJob,
    seconds: float,
    say: Say,
    held: tuple[str, ...],
) -> Iterator[Cut]:
    say("asking capture to stand still after its next commit")
    with cuts.Asking(conn, capture.name, seconds) as asking:
        asking.held()
        source = snapshot.Snapshot(capture.source, Path(str(capture.secrets)), deadline=seconds)
        with source:
            source.hold(held)
            say(f"cut at {flows.lsn_text(source.point)}")
            commit = asking.at(source.point)
            asking.release()
            yield Cut(source.point, source, lakeside.pinned(conn, capture.name, commit), held)


def stopped_tables(conn: psycopg.Connection, capture: jobs.CaptureJob) -> dict[str, str]:
    stops.prepare(conn)
    known = stops.Stops(conn, capture.name, 0).all()
    return {t: why for t, why in known.items() if t in capture.capture.tables}


def _followed(capture: jobs.CaptureJob, cut: Cut, stopped: dict[str, str]) -> tuple[str, ...]:
    wanted = zip(capture.capture.tables, capture.datasets, strict=True)
    return tuple(t for t, shown in wanted if shown in cut.pinned.tables and t not in stopped)


def _compared(
    capture: jobs.CaptureJob,
    cut: Cut,
    duck: duckdb.DuckDBPyConnection,
    names: tuple[str, ...],
    say: Say,
) -> tuple[acts.TableDifference, ...]:
    """Each table, locked while it is read and no longer; those held since the cut come first.

    Raises Overtaken, which then names all that are.
    """
    compare = _compare_topic if capture.source.append_only else _compare
    held = [name for name in names if name in cut.held]
    found = {}
    for name in (*held, *(n for n in names if n not in held)):
        try:
            cut.source.hold((name,))
            found[name] = compare(cut, duck, name, say)
        except (snapshot.Overtaken, pg.UndefinedColumn):
            cut.source.let_go()
            raise cut.source.spoiled({name, *cut.source.overtaken(names)}) from None
        if len(found) >= len(held):
            cut.source.let_go()
    return tuple(found[name] for name in names)


def _compare(
    cut: Cut, duck: duckdb.DuckDBPyConnection, name: str, say: Say
) -> acts.TableDifference:
    key = _key(cut, name)
    found = tables.compare(cut.source.connection, duck, name, key)
    say(f"{name}: {found.source_rows:,} rows in the source, {found.lake_rows:,} in the lake")
    return found


def _compare_topic(
    cut: Cut, duck: duckdb.DuckDBPyConnection, name: str, say: Say
) -> acts.TableDifference:
    found = topics.compare(cut.source.connection, duck, name.partition(".")[2])
    say(f"{name}: {found.source_rows:,} events in the ledger, {found.lake_rows:,} in the lake")
    return found


def _key(cut: Cut, name: str) -> tuple[str, ...]:
    """The worker's own choice: a delete in the raw log brings these columns, and maybe no other."""
    described = cut.source.describe(name)
    return relations.key_of(catalogs.as_relation(name, described), described.primary)


def _invariants(
    environment: state.Environment,
    capture: jobs.CaptureJob,
    cut: Cut,
    duck: duckdb.DuckDBPyConnection,
    stopped: dict[str, str],
    say: Say,
) -> tuple[acts.Invariant, ...]:
    """The raw log against current state, the file's own checks, and that every table is there."""
    followed = _followed(capture, cut, stopped)
    found = [
        acts.Invariant(f"{name} is followed", False, stopped.get(name, "it is not in the lake yet"))
        for name in capture.capture.tables
        if name not in followed
    ]
    for name in followed:
        raw = f"{capture.capture.raw_namespace}.{name.partition('.')[2]}"
        if capture.source.append_only:
            found += [rawlog.once(duck, raw), topics.in_order(duck, raw)]
        else:
            found += rawlog.invariants(duck, raw, name, _key(cut, name))
    found += file_checks(environment, duck)
    tell(say, tuple(found))
    return tuple(found)
