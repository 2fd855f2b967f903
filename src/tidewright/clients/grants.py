"""The task ``python -m tidewright.clients.grants --job FILE``: roles and databases on a server.

Idempotent: it runs before each start, sets every password again (so a rotated secret takes
effect here) and changes nothing that is already so. Passwords travel as SCRAM verifiers, so that
neither the server's log nor an error can show one.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import psycopg
from psycopg import sql

from tidewright import errors
from tidewright.clients import postgres, topics
from tidewright.model import codec, jobs
from tidewright.vault import files as vault

PATIENCE = 60.0
# The slot of scheduled backups (pipelines.backup.making) would keep the log for nobody.
_FORGET = """
select pg_drop_replication_slot(slot_name) from pg_replication_slots
where slot_name = 'tidewright_backup' and not active
"""
ORDINARY = "login nosuperuser nocreatedb nocreaterole"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and say what was made. The exit code is the error family's."""
    parser = argparse.ArgumentParser(prog="tidewright.clients.grants")
    parser.add_argument("--job", type=Path, required=True)
    file: Path = parser.parse_args(argv).job
    signal.signal(signal.SIGTERM, _stop)
    try:
        for sentence in run(codec.loads(jobs.GrantsJob, file.read_text(encoding="utf-8"))):
            print(sentence, flush=True)  # noqa: T201  a task's log is its output
    except errors.PlatformError as reason:
        print(reason, file=sys.stderr, flush=True)  # noqa: T201
        return reason.exit_code
    return 0


def run(job: jobs.GrantsJob) -> Iterator[str]:
    """Make what is missing; one sentence for each database."""
    secrets = str(job.secrets)
    try:
        with _patiently(job, secrets) as conn:
            if not job.keeps_log:
                conn.execute(_FORGET)
            for database in job.databases:
                yield _create(conn, database, secrets)
        for database in job.databases:
            _inside(job, database, secrets)
    except psycopg.Error as reason:
        raise errors.StepFailed(
            "source.grants",
            f"a role or database could not be made: {_line(reason)}",
            postgres.place(job.admin),
            "Correct what the server says; it is tried again at the next start.",
        ) from None


def _patiently(job: jobs.GrantsJob, secrets: str) -> psycopg.Connection[Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return postgres.connect(job.admin, secrets)
        except postgres.NotThere:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _create(conn: psycopg.Connection[Any], database: jobs.Database, secrets: str) -> str:
    _role(conn, jobs.Login(database.owner, database.password), ORDINARY, secrets)
    name, owner = sql.Identifier(database.name), sql.Identifier(database.owner)
    known = conn.execute("select 1 from pg_database where datname = %s", [database.name])
    created = known.fetchone() is None
    if created:
        conn.execute(sql.SQL("create database {} owner {}").format(name, owner))
    conn.execute(sql.SQL("revoke all on database {} from public").format(name))
    if database.capture is not None:
        _role(conn, database.capture, f"{ORDINARY} replication", secrets)
        # PostgreSQL lets only a table's owner put it into a publication.
        _grant(conn, owner, database.capture.user)
        _admit(conn, name, database.capture.user)
        # Each look into the slot makes the server log five lines; errors reach the worker anyway.
        _always(conn, database.capture.user, "log_min_messages", "fatal")
    if database.reader is not None:
        _role(conn, database.reader, ORDINARY, secrets)
        _grant(conn, sql.Identifier("pg_read_all_data"), database.reader.user)
        _admit(conn, name, database.reader.user)
        _always(conn, database.reader.user, "default_transaction_read_only", "on")
        # A reader finds tables by their bare names where the owner's role finds them.
        _look_first(conn, database.reader.user, database.owner)
    return f"database {database.name}: {'created' if created else 'as it should be'}"


def _inside(job: jobs.GrantsJob, database: jobs.Database, secrets: str) -> None:
    """What must be said within the database. A function's rights belong to one database."""
    if database.topics:
        with postgres.connect(job.admin, secrets, dbname=database.name) as conn:
            conn.execute(sql.SQL("set role {}").format(sql.Identifier(database.owner)))
            topics.prepare(conn, database.topics)
    if database.capture is None:
        return
    with postgres.connect(job.admin, secrets, dbname=database.name) as conn:
        known = conn.execute("select to_regprocedure('pg_log_standby_snapshot()') is not null")
        row = known.fetchone()
        if row is not None and row[0]:
            user = sql.Identifier(database.capture.user)
            text = sql.SQL("grant execute on function pg_log_standby_snapshot() to {}")
            conn.execute(text.format(user))


def _role(conn: psycopg.Connection[Any], login: jobs.Login, kind: str, secrets: str) -> None:
    known = conn.execute("select 1 from pg_roles where rolname = %s", [login.user]).fetchone()
    verb = "create" if known is None else "alter"
    password = vault.read(secrets, login.password.name)
    verifier = conn.pgconn.encrypt_password(
        password.encode(), login.user.encode(), b"scram-sha-256"
    ).decode()
    # The words of ``kind`` are ours; a utility statement takes no parameters.
    text = sql.SQL(f"{verb} role {{}} with {kind} password {{}}")
    conn.execute(text.format(sql.Identifier(login.user), sql.Literal(verifier)))


def _grant(conn: psycopg.Connection[Any], role: sql.Identifier, user: str) -> None:
    conn.execute(sql.SQL("grant {} to {}").format(role, sql.Identifier(user)))


def _admit(conn: psycopg.Connection[Any], database: sql.Identifier, user: str) -> None:
    text = sql.SQL("grant connect on database {} to {}")
    conn.execute(text.format(database, sql.Identifier(user)))


def _always(conn: psycopg.Connection[Any], user: str, setting: str, value: str) -> None:
    text = sql.SQL("alter role {} set {} = {}")
    conn.execute(text.format(sql.Identifier(user), sql.Identifier(setting), sql.Literal(value)))


def _look_first(conn: psycopg.Connection[Any], user: str, schema: str) -> None:
    text = sql.SQL("alter role {} set search_path = {}, public")
    conn.execute(text.format(sql.Identifier(user), sql.Identifier(schema)))


def _line(reason: psycopg.Error) -> str:
    return (reason.diag.message_primary or str(reason)).splitlines()[0]


def _stop(*_: object) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
