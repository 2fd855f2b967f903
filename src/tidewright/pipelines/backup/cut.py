"""One cut over every store: captures stand still exactly at a position, then the rest is marked.

Order: every capture is held; each captured server is marked, and its capture commits the lake
exactly there; at last the other servers are marked, at a moment when no transaction is open. So the
catalog at its mark says the very positions that the captured servers are restored to.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import flow, jobs
from tidewright.pipelines.backup import freeze, lakefiles, servers
from tidewright.pipelines.worker import cuts

Say = Callable[[str], None]
PATIENCE = 30.0
QUIET_SECONDS = 10.0
FROZEN_SECONDS = 0.3
_DATABASES = "select datname from pg_database where not datistemplate and datallowconn order by 1"


@dataclass(slots=True)
class Cut:
    """``targets``: server -> position. ``views``: (server, database) -> a session at the cut.

    ``late``: flow -> why its capture did not come to the cut.
    """

    at_ms: int
    targets: dict[str, str] = field(default_factory=dict)
    views: dict[tuple[str, str], psycopg.Connection[Any]] = field(default_factory=dict)
    late: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def taken(
    job: jobs.BackupJob, live: Mapping[str, servers.Live], say: Say, pins: lakefiles.Pins | None
) -> Iterator[Cut]:
    """The cut; its views stay open inside, while everybody else goes on.

    ``pins``: gets the lake's files that belong to no Iceberg table, as they are at the cut.
    """
    captured = captured_servers(job)
    cut = Cut(0)
    with contextlib.ExitStack() as leaving:
        with contextlib.ExitStack() as holding:
            for capture in job.captures:
                _hold(capture, live, captured, cut, holding, say)
            for name in captured.values():
                # One whose capture is late stands where it stands.
                cut.targets.setdefault(name, live[name].mark())
            quiet = {n: s for n, s in live.items() if n not in captured.values()}
            _mark_together(job, quiet, cut, leaving, pins)
            cut.at_ms = int(time.time() * 1000)
        yield cut


def _mark_together(
    job: jobs.BackupJob,
    quiet: Mapping[str, servers.Live],
    cut: Cut,
    leaving: contextlib.ExitStack,
    pins: lakefiles.Pins | None,
) -> None:
    """Mark the other servers; with tables that are files alone, while their writers are frozen.

    A writer may be frozen within a transaction: then all go on for a moment, and it is tried again.
    """
    lake = Path(str(job.lake.warehouse)) if job.lake else None
    if pins is None or lake is None or next(lakefiles.others(lake), None) is None:
        for name, server in quiet.items():
            cut.targets[name] = _mark_quiet(name, server, cut, leaving, QUIET_SECONDS)
        return
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        pids = freeze.movers(Path(str(job.state)), [s.name for s in job.servers])
        try:
            with freeze.frozen(pids):
                for name, server in quiet.items():
                    cut.targets[name] = _mark_quiet(name, server, cut, leaving, FROZEN_SECONDS)
                pins.add(lakefiles.others(lake))
                return
        except errors.TimedOut:
            if time.monotonic() > deadline:
                raise
            time.sleep(FROZEN_SECONDS)


def captured_servers(job: jobs.BackupJob) -> dict[str, str]:
    """Flow -> the bundled server that its capture follows."""
    known = {(s.admin.host, s.admin.port): s.name for s in job.servers}
    found = {}
    for capture in job.captures:
        there = capture.source.connection
        name = known.get((there.host, there.port))
        if capture.source.managed and name is not None:
            found[capture.name] = name
    return found


def _hold(
    capture: jobs.CaptureJob,
    live: Mapping[str, servers.Live],
    captured: Mapping[str, str],
    cut: Cut,
    holding: contextlib.ExitStack,
    say: Say,
) -> None:
    """Let one capture commit exactly at its server's mark, and hold it there."""
    name = captured.get(capture.name)
    try:
        conn = holding.enter_context(
            postgres.connect(capture.lake.catalog, Path(str(capture.secrets)))
        )
        asking = holding.enter_context(cuts.Asking(conn, capture.name, PATIENCE))
        asking.held()
        if name is not None:
            position = live[name].mark()
            asking.at(flow.lsn_value(position))
            cut.targets[name] = position
    except errors.PlatformError as reason:
        cut.late[capture.name] = reason.what
        say(f"{capture.name}: {reason.what}; its tables are copied again after a restore")


def _mark_quiet(
    name: str, server: servers.Live, cut: Cut, leaving: contextlib.ExitStack, seconds: float
) -> str:
    """Mark a server while nothing is open in it, and keep a view of each database as of the mark.

    No transaction was open before the mark nor after it, and none came in between: what the views
    show is then exactly what replay up to the mark brings back.
    """
    deadline = time.monotonic() + seconds
    names = [row[0] for row in server.ask(_DATABASES)]
    with server.connect() as conn:
        while True:
            views = {(name, database): server.connect(database) for database in names}
            seen = {_begin(view) for view in views.values()}
            position = servers.mark(conn)
            if len(seen | {_snapshot(conn)}) == 1 and _is_quiet(conn, seen.pop()):
                for key, view in views.items():
                    cut.views[key] = leaving.enter_context(view)
                return position
            for view in views.values():
                view.close()
            if time.monotonic() > deadline:
                raise errors.TimedOut(
                    "backup.busy_server",
                    f"a transaction was open at every moment of {seconds:g} s",
                    f"server {name}", "End what holds transactions open there; then run it again.",
                )  # fmt: skip
            time.sleep(0.01)


def _begin(view: psycopg.Connection[Any]) -> str:
    view.execute("begin isolation level repeatable read read only")
    return _snapshot(view)


def _snapshot(conn: psycopg.Connection[Any]) -> str:
    row = conn.execute("select pg_current_snapshot()::text").fetchone()
    assert row is not None
    return str(row[0])


def _is_quiet(conn: psycopg.Connection[Any], snapshot: str) -> bool:
    """``xmin:xmax:xip``: all below xmax have ended. The newest one may be above it and open."""
    lowest, highest, _ = snapshot.split(":")
    row = conn.execute("select count(*) from pg_stat_activity where backend_xid is not null")
    return lowest == highest and row.fetchone() == (0,)
