"""``query``: one question to the lake, at one commit, in a DuckDB of this process alone."""

from __future__ import annotations

import duckdb

from tidewright import errors
from tidewright.model import acts
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
