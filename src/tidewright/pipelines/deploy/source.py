"""The captured tables as they are in the source now, and what capture needs changed there."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from psycopg import errors as pg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import native
from tidewright.pipelines.decode import rawrows
from tidewright.pipelines.deploy import script
from tidewright.pipelines.feeds import session, tables

Say = Callable[[str], None]
# Whoever makes the tables of a managed source starts when we do.
PATIENCE = 20.0
EVERY = 0.5
LOCK_SECONDS = 5
FULL = "f"


def tables_of(job: native.DeployJob, say: Say) -> tuple[script.Table, ...]:
    """Every captured table, ready to be followed. Raises what stands in its way.

    Waits for a table that is not there yet: the workload of a managed source makes its own.
    """
    deadline = time.monotonic() + PATIENCE
    link = session.Session(job.source.connection, Path(str(job.secrets)))
    try:
        return tuple(_table(job, link, name, deadline, say) for name in job.capture.tables)
    finally:
        link.close()


def _table(
    job: native.DeployJob, link: session.Session, name: str, deadline: float, say: Say
) -> script.Table:
    found = _described(link, name, deadline, say)
    if found.reason is not None:
        raise errors.Refused(
            "source.table_unfit", f"it cannot be captured: {found.reason}", f"table {name}",
            "Correct it in the source, or take it out of the file.",
        )  # fmt: skip
    if not found.primary:
        raise errors.Refused(
            "source.table_unfit", "it has no primary key, and the engines merge rows by one",
            f"table {name}", f"alter table {name} add primary key (...)",
        )  # fmt: skip
    if found.identity != FULL:
        _identify(job, name, say)
    columns = tuple(c for c in found.columns if c.published)
    names = tuple(c.name for c in columns)
    raw = rawrows.declared(names, job.capture.raw_columns.get(name), found.primary)
    # The key is always shown: by it the log and the current state are compared.
    raw = (*(c for c in found.primary if c not in raw), *raw)
    return script.Table(name, columns, found.primary, raw)


def _described(link: session.Session, name: str, deadline: float, say: Say) -> tables.Described:
    told = False
    while True:
        try:
            return tables.describe(link, name)
        except errors.Refused:
            if time.monotonic() > deadline:
                raise
        if not told:
            say(f"table {name}: waiting until it is there")
            told = True
        time.sleep(EVERY)


def _identify(job: native.DeployJob, name: str, say: Say) -> None:
    """Let each change bring the whole old row: a changelog in Flink needs it.

    Without it an update has no before image, and a long value that did not change is not sent.
    """
    with postgres.connect(job.owner, str(job.secrets)) as conn:
        # Behind us everybody else would wait for whoever holds the table.
        conn.execute(f"set lock_timeout = '{LOCK_SECONDS}s'".encode())
        try:
            conn.execute(f"alter table {tables.quoted(name)} replica identity full".encode())
        except pg.LockNotAvailable:
            raise errors.StepFailed(
                "local.engine_refused", f"a transaction has held it for {LOCK_SECONDS} s, and its"
                " replica identity must become full", f"table {name}",
                "It is tried again by itself; end that transaction if it stays.",
            ) from None  # fmt: skip
    say(f"table {name}: replica identity full")
