"""``query``: one question to the lake, at one commit, in a DuckDB of this process alone.

Where real engines write the lake, it is Trino that answers, in its own dialect.
"""

from __future__ import annotations

import duckdb

from tidewright import errors
from tidewright.clients import trino
from tidewright.model import acts, native
from tidewright.operations import branching, lakeside, state
from tidewright.pipelines.lake import reader

MAIN = "main"


def query(
    environment: state.Environment,
    sql: str,
    commit_id: int | None = None,
    limit: int = 1000,
    ref: str | None = None,
) -> acts.Rows:
    """The first ``limit`` rows; the notes say of which commit, and whether more were cut.

    ``ref``: a branch instead of main.
    """
    deployed = next(lakeside.of_kind(environment, native.DeployJob), None)
    if deployed is not None:
        return _by_trino(deployed[1], sql, commit_id, limit, ref)
    found = _pinned(environment, commit_id, ref)
    duck = lakeside.views(found)
    try:
        # As a relation, so that the limit is part of the plan: a sort keeps that many rows only.
        answer = _relation(duck, sql)
        rows = [] if answer is None else answer.limit(limit + 1).fetchall()
    except duckdb.Error as problem:
        raise _refused(problem, found) from None
    columns = () if answer is None else tuple(answer.columns)
    notes = {"commit": str(found.commit_id), "position": found.position}
    if ref not in (None, MAIN):
        notes = {"branch": str(ref), "base": str(found.commit_id)}
    if len(rows) > limit:
        notes["cut"] = f"only the first {limit} rows are shown"
    return acts.Rows(columns, tuple(tuple(row) for row in rows[:limit]), notes)


def _by_trino(
    job: native.DeployJob, sql: str, commit_id: int | None, limit: int, ref: str | None
) -> acts.Rows:
    if commit_id is not None or ref is not None:
        what, hint = "engines keep no commits of ours, and no branches", "Leave both options out."
        finding = errors.Finding("lake.query", what, errors.Where("--commit, --ref"), hint)
        raise errors.SpecError((finding,))
    try:
        answer = trino.ask(str(job.sql), sql, limit + 1)
    except trino.Refused as problem:
        hint = f"The dialect is Trino's, the tables are {', '.join(job.capture.tables)} and those"
        hint += f" of {job.capture.raw_namespace}."
        finding = errors.Finding("lake.query", str(problem), errors.Where("the query"), hint)
        raise errors.SpecError((finding,)) from None
    notes = {"engine": "trino"}
    if len(answer.rows) > limit:
        notes["cut"] = f"only the first {limit} rows are shown"
    return acts.Rows(answer.columns, answer.rows[:limit], notes)


def _pinned(
    environment: state.Environment, commit_id: int | None, ref: str | None
) -> reader.Pinned:
    if ref is not None and ref != MAIN:
        return branching.pinned(environment, ref)
    landers = lakeside.landers(environment)
    with lakeside.asked(environment, landers[0]) as conn:
        if commit_id is None:
            return lakeside.newest(conn, landers)
        return lakeside.pinned(conn, None, commit_id)


def _relation(duck: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation | None:
    """None for a statement without rows, whatever DuckDB's stubs say."""
    return duck.sql(sql)


def _refused(problem: duckdb.Error, found: reader.Pinned) -> errors.SpecError:
    what = str(problem).strip()
    hint = (
        f"The dialect is DuckDB's, the tables are {', '.join(sorted(found.tables))}. "
        "Marts, views by key and Delta tables are read as `tidewright connect` shows."
    )
    return errors.SpecError((errors.Finding("lake.query", what, errors.Where("the query"), hint),))
