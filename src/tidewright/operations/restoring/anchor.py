"""Capture goes on at a restored source: a new slot, and one commit that says from where.

The source holds exactly the transactions before position P, and so does the lake. The restored
source is a timeline of its own, which begins at or after P; its history file proves that. Nobody
but us has been in it, so the new slot's position C has nothing to carry between P and C. One
ordinary commit, fenced by the lease, lets every followed table stand at C of the new timeline.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import backups, jobs
from tidewright.model import flow as flows
from tidewright.operations.restoring import replay
from tidewright.pipelines.feeds import session, slots
from tidewright.pipelines.lake import metadata
from tidewright.pipelines.lake import store as lakes
from tidewright.pipelines.worker import released, stops

OWNER = "restore"


def anchor(capture: jobs.CaptureJob, flow: backups.Flow, source: replay.Running) -> flows.Position:
    """Let ``capture`` follow the restored source. Returns where it goes on from."""
    secrets = Path(str(capture.secrets))
    with source.connect(capture.source.connection.database) as conn:
        identity = _identity(conn, source, flow)
    link = session.Session(capture.source.connection, secrets)
    try:
        at = slots.ensure(link, capture.source.slot)
    finally:
        link.close()
    position = flows.Position("postgres", identity, at)
    lake = lakes.Store.open(capture.lake, secrets, capture.name, OWNER)
    try:
        for table in _followed(capture, lake):
            lake.tables[table].set_properties({metadata.POSITION: position.text})
        done = lake.commit(lakes.CommitFacts(position))
    finally:
        lake.close()
    if not isinstance(done, lakes.Done):
        raise errors.StepFailed(
            "backup.replay", f"the lake did not take its new position: {done.detail}",
            f"flow {capture.name}", "Run the same restore again.",
        )  # fmt: skip
    return position


def may_copy_again(source: flows.PostgresSource, flow: backups.Flow) -> None:
    """Raises PromiseBroken for topics: a new copy would put what they still keep in the place of
    their whole history.
    """
    if source.append_only:
        raise errors.PromiseBroken(
            "backup.not_continuous",
            f"the lake's topics do not stand where their server does: {flow.reason}",
            f"flow {flow.name}", "Take a point that `tidewright backup list` calls exact.",
        )  # fmt: skip


def copy_again(capture: jobs.CaptureJob, status: Path) -> None:
    """Where continuity is not proven, the worker is told that its slot's loss is meant."""
    mark = status.with_name(released.MARK)
    mark.write_text(capture.source.slot + "\n", encoding="utf-8")
    mark.chmod(0o600)


def _identity(
    conn: psycopg.Connection[Any], source: replay.Running, flow: backups.Flow
) -> flows.Identity:
    """The restored source's identity, after its history proved that it goes on from ``flow``."""
    row = conn.execute(
        "select system_identifier::text, current_database() from pg_control_system()"
    ).fetchone()
    assert row is not None
    now = flows.Identity(row[0], replay.timeline(conn), row[1])
    name = f"pg_wal/{now.timeline:08X}.history"
    history = conn.execute("select pg_read_file(%s::text)", [name]).fetchone()
    assert history is not None
    check_history(history[0], now, flow)
    return now


def check_history(text: str, now: flows.Identity, flow: backups.Flow) -> None:
    """The last line of a timeline's history says which one it left, and where.

    Raises PromiseBroken unless it left the lake's own timeline at or after the lake's position.
    """
    lines = [x.split() for x in text.splitlines() if x.strip() and not x.startswith("#")]
    left_at = flows.lsn_value(lines[-1][1])
    before = str(flows.Identity(now.system_id, int(lines[-1][0]), now.database))
    if before != flow.source or left_at < flows.lsn_value(flow.position):
        raise errors.PromiseBroken(
            "backup.not_continuous",
            f"the source left {before} at {flows.lsn_text(left_at)}; the lake stands at "
            f"{flow.position} of {flow.source}",
            f"flow {flow.name}", "Take another point.",
        )  # fmt: skip


def _followed(capture: jobs.CaptureJob, lake: lakes.Store) -> tuple[str, ...]:
    """Every table that stands at the last commit; one that stopped stays where it stopped."""
    with postgres.connect(capture.lake.catalog, Path(str(capture.secrets))) as conn:
        stops.prepare(conn)
        stopped = stops.Stops(conn, capture.name, lake.epoch).all()
    last = lake.last_commit()
    return tuple(
        name
        for name, table in lake.tables.items()
        if name not in stopped and last and table.properties.get(metadata.SOURCE) == last.source
    )
