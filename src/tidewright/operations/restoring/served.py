"""The restored servers under a supervisor of their own, and every mart read by its reader.

Nothing that moves rows is started: a drill must not pull from anywhere, nor follow a source that is
not its own.
"""

from __future__ import annotations

import dataclasses

from psycopg import sql

from tidewright.clients import postgres
from tidewright.model import acts, jobs
from tidewright.operations import lakeside, state, up, waiting
from tidewright.targets.local import driver

_MARTS = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^(pg_|information_schema$)' order by 1, 2
"""


def serve(
    environment: state.Environment, talk: up.Talk, seconds: float
) -> tuple[acts.Invariant, ...]:
    """Start the servers, wait until they are healthy, and read what they are there for."""
    place = environment.place
    written = driver.current(place)
    assert written is not None, "a restore writes the description"
    jobs_of = {s.name: s.process.job for s in environment.applied.services}
    servers = {
        name
        for s in environment.applied.services
        if isinstance(s.process.job, jobs.GrantsJob)
        for name in (s.name, *s.needs)
    }
    units = tuple(u for u in written.units if u.name in servers and u.name in jobs_of)
    only = dataclasses.replace(written, units=units)
    driver.write_description(place, only)
    driver.start(place)
    waiting.until_healthy(place, only, waiting.Teller(talk.say), seconds)
    return tuple(
        one
        for _, job in lakeside.of_kind(environment, jobs.ConsoleJob)
        if job.marts is not None
        for one in _marts(job)
    )


def _marts(job: jobs.ConsoleJob) -> list[acts.Invariant]:
    assert job.marts is not None
    with postgres.connect(job.marts, str(job.secrets)) as conn:
        found = []
        for schema, table in conn.execute(_MARTS).fetchall():
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
            row = conn.execute(query).fetchone()
            count = row[0] if row else 0
            found.append(acts.Invariant(f"{schema}.{table} is served", True, f"{count} rows"))
        return found
