"""Codes of assets on branches: the user's functions and checks, and the branches themselves."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

_AGAIN = "The run ended there; main stays as it was. The next run loads the file again."

CODES: Mapping[str, Code] = {
    "ingest.asset_failed": Code(
        "An asset's file or function raised an error",
        "The user's own code raised; the message names its deepest line.",
        f"Correct it. {_AGAIN}",
    ),
    "ingest.bad_asset": Code(
        "A function is marked in a way that cannot be run",
        "A table without a schema, two functions for one table, a parameter that nothing gives, "
        "tables that wait for each other, or no marked function at all.",
        f"Correct the mark or the parameters. {_AGAIN}",
    ),
    "ingest.bad_checks": Code(
        "The file of checks does not define CHECKS",
        "CHECKS maps table names to Pandera schemas; it is missing, or holds something else.",
        'Write `CHECKS = {"raw.orders": Orders}` with a pandera DataFrameModel.',
    ),
    "ingest.bad_rows": Code(
        "An asset returned something that is no table",
        "It is neither a list of dicts nor an object that speaks Arrow, or its rows do not fit "
        "together.",
        "Return a list of dicts, or an Arrow, pandas, Polars or DuckDB table; None for no rows.",
    ),
    "ingest.columns": Code(
        "A table cannot hold the rows that an asset returned",
        "A column has a type that no flat table has, or changes to another one than it had.",
        "Return plain numbers, text, dates, times, or lists of them; keep a column's type.",
    ),
    "ingest.no_table": Code(
        "An asset reads a table that has no rows yet",
        "No asset filled it before, and main does not have it.",
        "Correct the name in deps, or let the asset that fills it return rows first.",
    ),
    "ingest.taken_over": Code(
        "Another runner took the flow over",
        "Two runners of one flow were started; the newer one fenced the older.",
        "Nothing, when it was a restart. Otherwise let one of them run.",
    ),
    "lake.branch_busy": Code(
        "A branch is still being written",
        "Its run has not ended.",
        "Wait for the run to end, then drop it.",
    ),
    "lake.branch_not_green": Code(
        "A branch that did not pass its checks is not merged",
        "A check failed, its run was cut off, or it was not audited yet.",
        "Look at it with `tidewright query --ref BRANCH`, correct the cause, drop the branch.",
    ),
    "lake.branch_stale": Code(
        "Main moved under a branch",
        "Another run was merged into a table that this branch touched, after it was made.",
        "Drop the branch: the next run makes its rows again from main as it is now.",
    ),
    "lake.no_such_branch": Code(
        "There is no such branch",
        "The name is wrong, or the branch was merged or dropped.",
        "`tidewright branch list --all` shows those that are there and those that were.",
    ),
}
