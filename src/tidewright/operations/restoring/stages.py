"""What stands behind the lake, at its restored place: whose positions it keeps, and its own proof.

A stage keeps with its position the name of the log that it counts. A restored topic goes on under
a new name (its server's timeline is another), and ``anchor`` proved that up to the cut both are
one. So each stage takes the new name and keeps its position. The proofs here ask nobody outside:
a drill must not pull from anywhere. A new kind of stage is a row in one or both tables.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import acts, jobs
from tidewright.operations import lakeside, state
from tidewright.operations.proofs import load, proof, stream, table
from tidewright.operations.restoring import proof as proving
from tidewright.pipelines.rollup import keeping
from tidewright.pipelines.stream import views

PATIENCE = 60.0
# Tables that a stage has not made yet need no new name.
_ABSENT = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)
# A stage that had landed nothing at the cut has nothing to prove; what it keeps its rows in was
# compared with fingerprints and checksums all the same.
NOTHING = frozenset({"lake.empty", "lake.delta_empty", "stream.rollup_empty"})

Succeed: TypeAlias = Callable[[Any, str, str], None]


def succeed(environment: state.Environment, old: str, new: str) -> None:
    """Every stage that counts the log ``old`` counts ``new`` from where it stands."""
    for kind, how in _SUCCEED.items():
        for _, job in lakeside.of_kind(environment, kind):
            how(job, old, new)


def proved(environment: state.Environment, say: proof.Say) -> Iterator[proof.Proof]:
    """The proof of each stage; raises PromiseBroken when one does not hold."""
    for kind, how in _PROOFS.items():
        for name, job in lakeside.of_kind(environment, kind):
            try:
                with proving.readable(name):
                    found = how(environment, name, job, say, PATIENCE)
            except errors.Refused as reason:
                if reason.code not in NOTHING:
                    raise
                yield proof.Proof("", (), (acts.Invariant(name, True, reason.what),))
                continue
            proving.require(found, f"service {name}")
            yield found


def _stream(job: jobs.StreamJob, old: str, new: str) -> None:
    with contextlib.suppress(*_ABSENT), postgres.connect(job.keyed, str(job.secrets)) as conn:
        conn.execute(views.SUCCEED, (new, job.name, old))


def _rollup(job: jobs.RollupJob, old: str, new: str) -> None:
    with contextlib.suppress(*_ABSENT), postgres.connect(job.marts, str(job.secrets)) as conn:
        conn.execute(keeping.succeed(job.stage.to), (new, old))


def _sessions(job: jobs.SessionsJob, old: str, new: str) -> None:
    """Its library is an extra, loaded when there are such tables."""
    tables = importlib.import_module("tidewright.pipelines.delta.table")
    for folder in sorted(Path(str(job.delta)).glob("*/*/_delta_log")):
        tables.succeed(folder.parent, old, new)


_SUCCEED: Mapping[type[Any], Succeed] = {
    jobs.StreamJob: _stream,
    jobs.SessionsJob: _sessions,
    jobs.RollupJob: _rollup,
}
# As `verify` has them, but for those that would ask somebody outside.
_PROOFS: Mapping[type[Any], table.Prove] = {
    jobs.IngestJob: table.PROOFS[jobs.IngestJob],
    jobs.LoadJob: load.standing,
    jobs.StreamJob: stream.standing,
    jobs.SessionsJob: table.PROOFS[jobs.SessionsJob],
    jobs.RollupJob: table.PROOFS[jobs.RollupJob],
}
