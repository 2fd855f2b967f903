"""Giving back what we created at a source: the slot, and for ``destroy`` the publication too.

Nothing else of ours lasts there. A managed source needs its server up for this, so everything
but the server and what it needs is stopped first.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import psycopg
from psycopg import sql

from tidewright import errors
from tidewright.clients import postgres
from tidewright.kit import files
from tidewright.model import flow, jobs, values
from tidewright.operations import changes, state, up, waiting
from tidewright.pipelines.feeds import publications
from tidewright.targets.local import driver, ports, resolve

RELEASED = "released"
_SERVER_SECONDS = 60.0


def release(environment: state.Environment, talk: up.Talk) -> None:
    """Drop each slot. The mark tells the worker that this was meant: it copies anew."""
    for job in changes.captures(environment.applied):
        if job.source.append_only:
            talk.say(f"{job.source.name}: its slot stays; the server is ours and stops too.")
            continue
        if job.source.managed:
            _keep_only_server(environment, job, talk)
        else:
            _quiet(environment, talk)
        with _connect(environment, job.source) as connection:
            _drop_slot(connection, job.source)
        files.replace_private(environment.place.run / RELEASED, job.source.slot + "\n")
        talk.say(f"Gave back the slot {job.source.slot}; the next `up` copies its tables anew.")


def withdraw(environment: state.Environment, talk: up.Talk) -> None:
    """Drop slot and publication at sources that are not ours. Their server stays as it was."""
    for job in changes.captures(environment.applied):
        if job.source.managed:
            continue
        with _connect(environment, job.source) as connection:
            _drop_slot(connection, job.source)
            dropped = _drop_publication(connection, job.source)
        talk.say(f"Dropped the slot {job.source.slot} at {job.source.name}.")
        name = f"The publication {job.source.publication} there"
        kept = "if there is one, is not of our making, and stays"
        talk.say(f"{name} is dropped." if dropped else f"{name}, {kept}.")


def _keep_only_server(environment: state.Environment, job: jobs.CaptureJob, talk: up.Talk) -> None:
    """Converge to the source's server alone, started when it was not running."""
    place, host = environment.place, job.source.connection.host
    written = driver.current(place)
    if written is None or not isinstance(host, values.Ref):
        return
    units = tuple(u for u in written.units if u.name == host.service)
    only = dataclasses.replace(written, units=units)
    driver.write_description(place, only)
    if driver.running(place):
        driver.reload(place)
    else:
        driver.start(place)
    waiting.until_healthy(place, only, waiting.Teller(talk.say), _SERVER_SECONDS)


def _quiet(environment: state.Environment, talk: up.Talk) -> None:
    """A slot in use cannot be dropped: stop the worker with everything else."""
    if driver.running(environment.place):
        driver.ask_stop(environment.place)
        teller = waiting.Teller(talk.say)
        waiting.until_stopped(environment.place, teller, up.STOP_SECONDS)


def _connect(environment: state.Environment, source: flow.PostgresSource) -> psycopg.Connection:
    place = environment.place
    resolver = resolve.Resolver(place, ports.read(place.root))
    connection = resolver.connection(source.connection)
    return postgres.connect(connection, place.secrets)


def _drop_slot(connection: psycopg.Connection, source: flow.PostgresSource) -> None:
    query = (
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s"
    )
    hint = "End the session that uses it, then run this command again."
    with _kept(source, f"slot {source.slot}", hint):
        connection.execute(query, (source.slot,))


def _drop_publication(connection: psycopg.Connection, source: flow.PostgresSource) -> bool:
    """Drop it if we made it. One that was there before, made by its tables' owner, is theirs."""
    query = "select obj_description(oid, 'pg_publication') from pg_publication where pubname = %s"
    if connection.execute(query, (source.publication,)).fetchone() != (publications.OURS,):
        return False
    drop = sql.SQL("drop publication if exists {}").format(sql.Identifier(source.publication))
    hint = "Give it back to the role of the URL, or drop it yourself and use --keep-source."
    with _kept(source, f"publication {source.publication}", hint):
        connection.execute(drop)
    return True


@contextlib.contextmanager
def _kept(source: flow.PostgresSource, what: str, hint: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as reason:
        raise errors.StepFailed(
            "local.slot_kept", f"the {what} could not be dropped: {str(reason).splitlines()[0]}",
            f"source {source.name}", hint,
        ) from None  # fmt: skip
