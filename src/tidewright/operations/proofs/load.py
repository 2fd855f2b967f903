"""Do a load's tables hold what its connector counts, stream by stream, at a synced cursor?

The newest commit at which every stream was read to its end is pinned, and the connector is asked
what each stream held at the very state of that commit. Counts and sums are of the current rows:
the newest version of each key, or all rows where a stream has no key.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import duckdb
import psycopg

from tidewright import errors
from tidewright.model import acts, jobs
from tidewright.operations import lakeside, state
from tidewright.operations.proofs.proof import Proof, Say, file_checks, tell
from tidewright.pipelines.load import marks, messages, process

_NEWEST = """
select id, state from tidewright_commits where flow = %s and state is not null
order by id desc limit 20
"""
PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Cut:
    """A commit at which every stream was read to its end, and where each stood."""

    commit_id: int
    source: str
    marks: Mapping[str, marks.Mark]


def prove(
    environment: state.Environment, name: str, job: jobs.LoadJob, say: Say, seconds: float
) -> Proof:
    """Compare every stream with the connector's own totals."""
    with lakeside.asked(environment, job) as conn:
        cut = _cut(conn, name, job, seconds)
        pinned = lakeside.pinned(conn, job.name, cut.commit_id)
    say(f"cut at commit {cut.commit_id} of {cut.source}")
    duck = lakeside.views(pinned)
    counted = _totals(job, cut)
    tables, found = [], list(_missing(job, cut))
    for stream, mark in cut.marks.items():
        if stream not in _wanted(job, cut):
            continue
        relation = _relation(job, stream)
        found.append(_numbered(duck, relation, mark))
        found += _sent(relation, mark)
        told = counted.get(stream)
        if told is not None:
            table, sums = _compare(duck, relation, mark, told)
            say(f"{table.table}: {table.source_rows:,} by the connector, {table.lake_rows:,} here")
            tables.append(table)
            found += sums
        else:
            say(f"{relation}: the connector has no totals of its own; numbered and counted alone")
    found += file_checks(environment, duck)
    tell(say, tuple(found))
    return Proof(pinned.position, tuple(tables), tuple(found))


def standing(
    environment: state.Environment, name: str, job: jobs.LoadJob, say: Say, seconds: float
) -> Proof:
    """Without asking the connector: what the newest commit says of each stream, beside its rows."""
    with lakeside.asked(environment, job) as conn:
        cut = next(_cuts(conn, job), None)
        if cut is None:
            raise errors.Refused(
                "lake.empty", "nothing was loaded yet", f"service {name}", "Wait for a sync."
            )
        pinned = lakeside.pinned(conn, job.name, cut.commit_id)
    duck = lakeside.views(pinned)
    found: list[acts.Invariant] = []
    for stream, mark in cut.marks.items():
        if stream in _wanted(job, cut):
            found.append(_numbered(duck, _relation(job, stream), mark))
            found += _sent(_relation(job, stream), mark) if mark.complete else ()
    found += file_checks(environment, duck)
    tell(say, tuple(found))
    return Proof(pinned.position, (), tuple(found))


def _cut(conn: psycopg.Connection, name: str, job: jobs.LoadJob, seconds: float) -> Cut:
    """The newest such commit; waits while a long first sync is under way."""
    end = time.monotonic() + seconds
    while True:
        for cut in _cuts(conn, job):
            wanted = [cut.marks[s] for s in _wanted(job, cut) if s in cut.marks]
            if wanted and all(mark.complete for mark in wanted):
                return cut
        if time.monotonic() >= end:
            raise errors.TimedOut(
                "load.not_synced", "no sync has come to its end yet", f"service {name}",
                "Look at `tidewright status`: it says why. Then run the command again.",
            )  # fmt: skip
        time.sleep(PAUSE)


def _cuts(conn: psycopg.Connection, job: jobs.LoadJob) -> Iterator[Cut]:
    try:
        rows = conn.execute(_NEWEST, (job.name,)).fetchall()
    except psycopg.errors.UndefinedTable:
        return
    for number, told in rows:
        yield Cut(int(number), str(told.get("source", "")), marks.decode(told))


def _wanted(job: jobs.LoadJob, cut: Cut) -> tuple[str, ...]:
    return job.load.streams or tuple(s for s in cut.marks if s != marks.SHARED)


def _missing(job: jobs.LoadJob, cut: Cut) -> Iterator[acts.Invariant]:
    for stream in _wanted(job, cut):
        if stream not in cut.marks:
            what = f"{stream} is loaded"
            yield acts.Invariant(what, False, "it is not in the lake; status says why")


def _relation(job: jobs.LoadJob, stream: str) -> str:
    table = re.sub(r"[^A-Za-z0-9_$]", "_", stream)
    return f'"{job.load.to}"."{table}"'


def _totals(job: jobs.LoadJob, cut: Cut) -> Mapping[str, messages.Totals]:
    """What the connector counts at the cut. Raises when it fails, or speaks of another source."""
    streams = tuple(s for s in _wanted(job, cut) if s in cut.marks)
    states = {name: mark.cursor for name, mark in cut.marks.items()}
    found: dict[str, messages.Totals] = {}
    with closing(process.start(job, "totals", streams, states)) as running:
        for message in running.messages():
            match message:
                case messages.Totals(stream):
                    found[stream] = message
                case messages.Failed(_, text):
                    raise _uncounted(job, text)
                case messages.Catalog(_, source) if source not in (None, cut.source):
                    raise _uncounted(job, f"it speaks for {source}, the lake is of {cut.source}")
    return found


def _uncounted(job: jobs.LoadJob, text: str) -> errors.StepFailed:
    return errors.StepFailed(
        "load.no_totals", f"the connector could not count: {text}",
        f"connector {job.load.connector.name}",
        "Correct the connector or its source, then run the command again.",
    )  # fmt: skip


def _numbered(duck: duckdb.DuckDBPyConnection, relation: str, mark: marks.Mark) -> acts.Invariant:
    """Every record has its number once: none was brought twice, and none was left out."""
    count = "count(*), count(distinct _seq), coalesce(max(_seq), 0)"
    asked = f"select {count} from {relation}"  # noqa: S608  a name of the file
    records, numbers, last = duck.execute(asked).fetchall()[0]
    ok = records == numbers == last == mark.rows
    detail = f"{records} records, {numbers} numbers, the last is {last}; the state says {mark.rows}"
    return acts.Invariant(f"{_plain(relation)}: each record once", ok, detail)


def _sent(relation: str, mark: marks.Mark) -> Iterator[acts.Invariant]:
    """As many records as the connector says that it sent, where it says so."""
    if mark.told is not None:
        name = f"{_plain(relation)}: as many as were sent"
        detail = f"{mark.rows} here, {mark.told} by the connector"
        yield acts.Invariant(name, mark.rows == mark.told, detail)


def _compare(
    duck: duckdb.DuckDBPyConnection, relation: str, mark: marks.Mark, told: messages.Totals
) -> tuple[acts.TableDifference, list[acts.Invariant]]:
    """Rows and sums of the current rows beside the connector's own."""
    names = list(told.sums)
    sums = "".join(f', coalesce(sum("{name}"), 0)' for name in names)
    asked = f"select count(*){sums} from {_current(relation, mark)}"  # noqa: S608  the same
    rows, *mine = duck.execute(asked).fetchall()[0]
    different = [n for n, have in zip(names, mine, strict=True) if have != told.sums[n]]
    table = acts.TableDifference(
        _plain(relation), told.rows, int(rows), max(0, told.rows - rows), max(0, rows - told.rows),
        len(different),
    )  # fmt: skip
    found = [
        acts.Invariant(
            f"{_plain(relation)}: sum of {n}", n not in different,
            f"{have} here, {told.sums[n]} by the connector",
        )
        for n, have in zip(names, mine, strict=True)
    ]  # fmt: skip
    return table, found


def _current(relation: str, mark: marks.Mark) -> str:
    if not mark.key or mark.mode == "full":
        return relation
    key = ", ".join(f'"{k}"' for k in mark.key)
    rank = f"row_number() over (partition by {key} order by _seq desc)"
    return f"(select * from {relation} qualify {rank} = 1)"  # noqa: S608  names of the connector


def _plain(relation: str) -> str:
    return relation.replace('"', "")
