"""Has the first row come? One question for each kind of job, asked as a separate reader would.

A new kind of stage that moves rows is a row in ``ARRIVALS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from tidewright.clients import postgres
from tidewright.model import jobs
from tidewright.operations import lakeside, probe, state
from tidewright.operations.proofs import rollup
from tidewright.pipelines.lake import reader


@dataclass(frozen=True, slots=True)
class Stage:
    """A service, and whether a reader finds a row behind it now."""

    service: str
    arrived: Callable[[], bool]


def stages(environment: state.Environment) -> Iterator[Stage]:
    """Every process that moves rows, in the order of the table."""
    for kind, arrived in ARRIVALS.items():
        for name, job in lakeside.of_kind(environment, kind):
            yield Stage(name, partial(arrived, job))


def marts(environment: state.Environment) -> Iterator[Stage]:
    """The refresh, where there is one."""
    for name, job in lakeside.of_kind(environment, jobs.RefreshJob):
        yield Stage(name, partial(_has_mart, job))


def _captured(capture: jobs.CaptureJob) -> bool:
    with lakeside.catalog(capture) as conn:
        found = reader.pin(conn, capture.name)
    if found is None or not all(t in found.tables for t in capture.datasets):
        return False
    duck = lakeside.views(found)
    counts = [
        duck.execute(f"select count(*) from {table}").fetchone()  # noqa: S608  names of our example
        for table in capture.datasets
    ]
    # What is rejected has a topic too, and may never come.
    enough = any if capture.source.append_only else all
    return enough(count is not None and count[0] > 0 for count in counts)


def _loaded(load: jobs.LoadJob) -> bool:
    """Every stream that the file names has a table with rows, or any where it names none."""
    with lakeside.catalog(load) as conn:
        found = reader.pin(conn, load.name)
    if found is None:
        return False
    duck = lakeside.views(found)
    counts = [
        duck.execute(f'select count(*) from "{load.load.to}"."{view.table}"').fetchone()  # noqa: S608
        for view in reader.views(found)
    ]
    wanted = len(load.load.streams) or 1
    return len([c for c in counts if c is not None and c[0] > 0]) >= wanted


def _streamed(job: jobs.StreamJob) -> bool:
    """A person who reads the views finds a row."""
    tables = [*(view.table for view in job.stream.views), job.stream.accepted]
    with postgres.connect(job.keyed, str(job.secrets)) as conn:
        try:
            found = [conn.execute(_any(table)).fetchone() for table in tables]
        except psycopg.errors.UndefinedTable:
            return False
    return all(found)


def _any(table: str) -> sql.Composed:
    return sql.SQL("select 1 from {} limit 1").format(sql.Identifier(*table.split(".", 1)))


def _has_mart(refresh: jobs.RefreshJob) -> bool:
    with postgres.connect(refresh.marts, str(refresh.secrets)) as conn:
        try:
            return conn.execute(probe.PUBLISHED).fetchone() is not None
        except psycopg.errors.UndefinedTable:
            return False


def _merged(ingest: jobs.IngestJob) -> bool:
    """A table of main has a row."""
    with lakeside.catalog(ingest) as conn:
        found = reader.pin(conn, ingest.name)
    if found is None:
        return False
    duck = lakeside.views(found)
    names = [f"{v.schema}.{v.table}" for v in reader.views(found)]
    rows = (duck.execute(f"select 1 from {name} limit 1").fetchone() for name in names)  # noqa: S608
    return any(row is not None for row in rows)


def _sessions(job: jobs.SessionsJob) -> bool:
    """Its library is an extra, loaded when such a stage is there."""
    proof = importlib.import_module("tidewright.operations.proofs.sessions")
    return bool(proof.has_row(job))


ARRIVALS: Mapping[type[Any], Callable[[Any], bool]] = {
    jobs.CaptureJob: _captured,
    jobs.IngestJob: _merged,
    jobs.LoadJob: _loaded,
    jobs.StreamJob: _streamed,
    jobs.SessionsJob: _sessions,
    jobs.RollupJob: rollup.has_row,
}
