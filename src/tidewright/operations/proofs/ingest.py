"""Does main show audited rows only? Every commit of it that can be read is looked at again.

Each table of each commit must be exactly what one audited, green, merged run left: the same
metadata file, and as many rows by a separate reader as that run counted. Then the user's own
checks are run again on all of them, in a process of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg

from tidewright.clients import duckdb as ducks
from tidewright.model import acts, codec, jobs, observed, values
from tidewright.operations import lakeside, state
from tidewright.operations.proofs.proof import Proof, Say, file_checks, tell
from tidewright.pipelines.lake import branches, catalog, reader

RECHECK = "tidewright.pipelines.ingest.recheck"
SECONDS = 300.0
_COMMITS = "select id, position, tables from tidewright_commits where flow = %s order by id"


@dataclass(frozen=True, slots=True)
class Shown:
    """One table of one commit, as main showed it."""

    commit: int
    table: str
    metadata: str

    @property
    def file(self) -> Path:
        return Path(self.metadata.removeprefix("file://"))


@dataclass(frozen=True, slots=True)
class Seen:
    """Main's commits and the runs, read at one moment. ``runs``: by metadata file."""

    pinned: reader.Pinned
    present: Mapping[str, str]
    shown: tuple[Shown, ...]
    runs: Mapping[str, tuple[branches.Branch, branches.Touched]]
    left: tuple[branches.Branch, ...]


def prove(
    environment: state.Environment, name: str, job: jobs.IngestJob, say: Say, seconds: float
) -> Proof:
    """Every readable commit of main against its run, then the checks on each again."""
    with lakeside.asked(environment, job) as conn:
        seen = _look(conn, job.name)
    readable = tuple(one for one in seen.shown if one.file.exists())
    commits = len({one.commit for one in readable})
    say(f"{commits} commits of main can be read; each is counted and checked again")
    duck = lakeside.views(seen.pinned)
    tables = tuple(_counted(duck, one) for one in _newest(seen))
    invariants = (
        _audited(seen),
        _counts(readable, seen),
        _checked(environment, name, readable, commits),
        _main_is_last(seen),
        *file_checks(environment, duck),
    )
    tell(say, invariants)
    return Proof(seen.pinned.position, tables, invariants)


def _look(conn: psycopg.Connection, flow: str) -> Seen:
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        pinned = lakeside.pinned(conn, flow)
        rows = conn.execute(_COMMITS, [flow]).fetchall()
        every = branches.every(conn, flow, gone=True)
        present = catalog.pointers(conn)
    shown = [
        Shown(number, name, table["metadata"])
        for number, _, tables in rows
        for name, table in sorted(tables.items())
    ]
    merged = [b for b in every if b.merged is not None]
    runs = {t.metadata: (b, t) for b in merged for t in b.touched.values()}
    left = tuple(b for b in every if b.merged is None and b.state not in branches.GONE)
    return Seen(pinned, present, tuple(shown), runs, left)


def _newest(seen: Seen) -> Iterator[tuple[str, str, int]]:
    """Each table of main now: its name, metadata file, and rows as its run counted them."""
    for name, point in sorted(seen.pinned.tables.items()):
        run = seen.runs.get(point.metadata)
        yield name, point.metadata, run[1].rows if run else -1


def _counted(duck: duckdb.DuckDBPyConnection, one: tuple[str, str, int]) -> acts.TableDifference:
    name, metadata, audited = one
    found = _count(duck, metadata)
    missing, extra = max(0, audited - found), max(0, found - audited)
    return acts.TableDifference(name, max(audited, 0), found, missing, extra, 0)


def _audited(seen: Seen) -> acts.Invariant:
    """No table of any commit comes from elsewhere than an audited run that passed."""
    wrong = []
    for one in seen.shown:
        run = seen.runs.get(one.metadata)
        if run is None:
            wrong.append(f"commit {one.commit} shows {one.table} of no audited run")
        elif run[0].state != "merged" or not all(c.ok for c in run[0].checks):
            wrong.append(f"commit {one.commit} shows {one.table} of {run[0].name}, which failed")
    commits = len({one.commit for one in seen.shown})
    detail = "; ".join(wrong[:5]) or f"{commits} commits, {_left(seen)}"
    return acts.Invariant("main has audited runs only", not wrong, detail)


def _left(seen: Seen) -> str:
    told = ", ".join(f"{b.name} {b.state}" for b in seen.left)
    return f"not merged: {told}" if told else "no branch left"


def _counts(readable: tuple[Shown, ...], seen: Seen) -> acts.Invariant:
    """As many rows by another reader as the audited run counted, in every commit."""
    duck, wrong, known = ducks.connect(), [], dict[str, int]()
    for one in readable:
        run = seen.runs.get(one.metadata)
        if one.metadata not in known:
            known[one.metadata] = _count(duck, one.metadata)
        if run is not None and known[one.metadata] != run[1].rows:
            counted = f"{known[one.metadata]} rows, {run[0].name} counted {run[1].rows}"
            wrong.append(f"commit {one.commit}: {one.table} has {counted}")
    detail = "; ".join(wrong[:5]) or f"{len(known)} versions of tables counted"
    return acts.Invariant("every commit has the rows that were audited", not wrong, detail)


def _checked(
    environment: state.Environment, name: str, readable: tuple[Shown, ...], commits: int
) -> acts.Invariant:
    """The user's checks, again, on everything that main showed and still can."""
    title = "no commit of main shows a row that fails a check"
    pairs = sorted({(one.table, one.metadata) for one in readable})
    file = environment.place.folder(values.Folder("config", f"{name}/job.json"))
    argv = [sys.executable, "-P", "-m", RECHECK, "--job", str(file)]
    try:
        done = subprocess.run(
            argv, input=json.dumps(pairs), capture_output=True, text=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return acts.Invariant(title, False, f"not known: the checks took over {SECONDS:.0f} s")
    if done.returncode != 0:
        last = next(iter(reversed(done.stderr.strip().splitlines())), "no reason given")
        return acts.Invariant(title, False, f"not known: {last}")
    found: dict[str, tuple[observed.CheckState, ...]] = codec.decode(
        Mapping[str, tuple[observed.CheckState, ...]], json.loads(done.stdout)
    )
    by_file = {one.metadata: one for one in readable}
    wrong = [
        f"commit {by_file[metadata].commit}: {check.name}, {check.failing} rows {check.message}"
        for metadata, checks in found.items()
        for check in checks
        if not check.ok
    ]
    detail = "; ".join(wrong[:5]) or f"{len(found)} versions of tables in {commits} commits"
    return acts.Invariant(title, not wrong, detail)


def _main_is_last(seen: Seen) -> acts.Invariant:
    """The catalog's pointers are those of the newest commit, for any reader of ours or others."""
    wrong = [n for n, t in seen.pinned.tables.items() if seen.present.get(n) != t.metadata]
    detail = f"{', '.join(wrong)} is elsewhere" if wrong else f"at {seen.pinned.position}"
    return acts.Invariant("the catalog shows the newest commit", not wrong, detail)


def _count(duck: duckdb.DuckDBPyConnection, metadata: str) -> int:
    place = metadata.replace("'", "''")
    row = duck.execute(f"select count(*) from iceberg_scan('{place}')").fetchone()  # noqa: S608
    assert row is not None
    return int(row[0])
