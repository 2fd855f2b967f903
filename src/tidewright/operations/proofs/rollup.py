"""Is every table of a rollup what its view makes of all rows up to its position, at once?

Position and tables are read in one snapshot of the marts. From the beginning of the topic up to
there each view is run once over everything, and compared row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import acts, jobs
from tidewright.model import flow as flows
from tidewright.operations import state
from tidewright.operations.proofs.proof import Proof, Say
from tidewright.pipelines.rollup import feed, news, plan


def prove(
    environment: state.Environment, name: str, job: jobs.RollupJob, say: Say, seconds: float
) -> Proof:
    """Each table against its view over everything."""
    views = plan.read(Path(str(job.sql)).read_text(encoding="utf-8"), job.stage.sql)
    with postgres.connect(job.marts, str(job.secrets), autocommit=False) as conn:
        conn.execute("set transaction isolation level repeatable read, read only")
        conn.execute("set timezone = 'UTC'")
        positions = _positions(conn, job)
        there = {v.table: _rows(conn, job, v) for v in views}
    feeding = feed.Feed(views, job.stage.sql)
    found = []
    for source in plan.sources(views):
        everything = news.upto(job, source, positions.get(source, 0))
        for view, wanted in feeding.results(source, everything).items():
            compared = _compare(f"{job.stage.to}.{view.table}", view, wanted, there[view.table])
            say(f"{compared.table}: {compared.source_rows:,} rows by its view, "
                f"{compared.lake_rows:,} there")  # fmt: skip
            found.append(compared)
    return Proof(flows.lsn_text(min(positions.values(), default=0)), tuple(found))


def has_row(job: jobs.RollupJob) -> bool:
    """Whether a reader of the marts finds a row in some table."""
    views = plan.read(Path(str(job.sql)).read_text(encoding="utf-8"), job.stage.sql)
    with postgres.connect(job.marts, str(job.secrets)) as conn:
        try:
            return any(_first(conn, job, v) for v in views)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return False


def _first(conn: psycopg.Connection[Any], job: jobs.RollupJob, view: plan.View) -> bool:
    query = sql.SQL("select from {} limit 1").format(sql.Identifier(job.stage.to, view.table))
    return conn.execute(query).fetchone() is not None


def _positions(conn: psycopg.Connection[Any], job: jobs.RollupJob) -> Mapping[str, int]:
    table = sql.Identifier(job.stage.to, "tidewright_positions")
    query = sql.SQL("select source, position from {}").format(table)
    try:
        return dict(conn.execute(query).fetchall())
    except psycopg.errors.UndefinedTable:
        raise errors.Refused(
            "stream.rollup_empty", "nothing was rolled up yet", "service rollup",
            "Wait for the first events: `tidewright status` shows how far it is.",
        ) from None  # fmt: skip


def _rows(
    conn: psycopg.Connection[Any], job: jobs.RollupJob, view: plan.View
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    columns = sql.SQL(", ").join(sql.Identifier(c.name) for c in view.columns)
    table = sql.Identifier(job.stage.to, view.table)
    return _keyed(
        view, conn.execute(sql.SQL("select {} from {}").format(columns, table)).fetchall()
    )


def _keyed(view: plan.View, rows: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """By key; what is merged by ``any`` may be any value and is left out."""
    key = [i for i, c in enumerate(view.columns) if c.merge is None]
    rest = [i for i, c in enumerate(view.columns) if c.merge not in (None, "any")]
    return {tuple(_plain(r[i]) for i in key): tuple(_plain(r[i]) for i in rest) for r in rows}


def _plain(value: Any) -> Any:
    """Numbers by value, whatever their type: a sum of decimals may come as a float."""
    if isinstance(value, float) or type(value).__name__ == "Decimal":
        return round(float(value), 2)
    return value


def _compare(
    name: str, view: plan.View, wanted: pa.Table, there: dict[tuple[Any, ...], tuple[Any, ...]]
) -> acts.TableDifference:
    rows = list(zip(*(c.to_pylist() for c in wanted.columns), strict=True))
    expected = _keyed(view, rows)
    missing = expected.keys() - there.keys()
    extra = there.keys() - expected.keys()
    different = [k for k in expected.keys() & there.keys() if expected[k] != there[k]]
    examples = [str(k) for k in (*missing, *extra, *different)][:3]
    return acts.TableDifference(
        name, len(expected), len(there), len(missing), len(extra), len(different), tuple(examples)
    )
