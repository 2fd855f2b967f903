"""Reading an environment's lake from a command: its job files, one pinned commit, DuckDB views.

Each command opens a DuckDB of its own in memory; no file of a running process is ever shared.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb
import psycopg

from tidewright import errors
from tidewright.clients import duckdb as ducks
from tidewright.clients import postgres
from tidewright.model import codec, jobs, values
from tidewright.operations import state
from tidewright.pipelines.lake import reader, reading
from tidewright.targets.local import driver

T = TypeVar("T")


def job(environment: state.Environment, service: str, kind: type[T]) -> T:
    """The job that a service of this environment was given last."""
    file = environment.place.folder(values.Folder("config", f"{service}/job.json"))
    try:
        return codec.loads(kind, file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise errors.Refused(
            "lake.no_job",
            f"this environment has no service {service}",
            f"environment {environment.name}",
            "Start it with `tidewright up`, with a flow that needs that service.",
        ) from None


def of_kind(environment: state.Environment, kind: type[T]) -> Iterator[tuple[str, T]]:
    """The services of this environment that run one kind of job, by name."""
    for service in environment.applied.services:
        if isinstance(service.process.job, kind):
            yield service.name, job(environment, service.name, kind)


def landers(environment: state.Environment) -> tuple[jobs.Landing, ...]:
    """The jobs whose commits the lake has. Raises Refused where nothing lands in a lake."""
    found = [job for kind in jobs.LANDING for _, job in of_kind(environment, kind)]
    if found:
        return tuple(found)
    raise errors.Refused(
        "lake.no_job", "this environment lands nothing in a lake",
        f"environment {environment.name}", "Ask an environment whose flow captures or loads.",
    )  # fmt: skip


def catalog(capture: jobs.Landing) -> psycopg.Connection:
    """The catalog database, as the worker's own role. Raises when it does not run."""
    return postgres.connect(capture.lake.catalog, Path(str(capture.secrets)))


def asked(environment: state.Environment, capture: jobs.Landing) -> psycopg.Connection:
    """The same for a person, who may have stopped the environment. Raises Refused then."""
    try:
        return catalog(capture)
    except postgres.NotThere:
        if driver.running(environment.place):
            raise
        raise errors.Refused(
            "local.stopped",
            f"the environment {environment.name} is stopped",
            str(environment.place.project),
            f"Start it with: tidewright up {environment.name}",
        ) from None


def pinned(
    conn: psycopg.Connection, flow: str | None, commit_id: int | None = None
) -> reader.Pinned:
    """One commit of the flow (None: of any); the newest unless one is named."""
    found = reader.pin(conn, flow, commit_id)
    if found is None:
        raise _empty(flow or "any")
    return found


def newest(conn: psycopg.Connection, found: Sequence[jobs.Landing]) -> reader.Pinned:
    """The newest commit of each of these."""
    flows = [job.name for job in found]
    pinned = reader.pin_each(conn, flows)
    if pinned is None:
        raise _empty(", ".join(flows))
    return pinned


def _empty(flow: str) -> errors.Refused:
    return errors.Refused(
        "lake.empty",
        "the lake has no commit yet",
        f"flow {flow}",
        "Wait for the first copy: `tidewright status` shows how far it is.",
    )


def views(found: reader.Pinned) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory where every table of the commit is a view under its own name."""
    duck = ducks.connect()
    duck.execute("set timezone = 'UTC'")
    for statement in reader.statements(found):
        duck.execute(statement)
    return duck


@contextmanager
def held(environment: state.Environment) -> Iterator[None]:
    """What is pinned stays readable, however long that takes: no file is unlinked meanwhile."""
    with contextlib.ExitStack() as locks:
        for warehouse in {
            Path(str(job.lake.warehouse))
            for kind in jobs.LANDING
            for _, job in of_kind(environment, kind)
        }:
            if warehouse.is_dir():  # else nothing was landed yet
                locks.enter_context(reading.held(warehouse))
        yield


@contextmanager
def readable(flow: str) -> Iterator[None]:
    """What cannot be read back is a broken promise of the lake, never a defect of the reader."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as reason:
        raise errors.PromiseBroken(
            "lake.unreadable",
            f"its files are not what its tables say: {str(reason).partition(chr(10))[0]}",
            f"flow {flow}",
            "Restore a backup, or copy the table again with `tidewright up --recopy TABLE`.",
        ) from None
