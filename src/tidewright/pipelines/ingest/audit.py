"""The user's Pandera schemas on the tables of a branch. The one module that imports Pandera.

The file defines ``CHECKS``: table -> a pandera DataFrameModel or DataFrameSchema. Each table is
looked at as a whole, since a new row may break what an old one promised (a key, for example).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tidewright import errors
from tidewright.model import jobs, observed
from tidewright.pipelines.core import faults
from tidewright.pipelines.ingest import functions
from tidewright.pipelines.lake import workspace

# Pandera would say at each import that its older entry point is deprecated.
os.environ.setdefault("DISABLE_PANDERA_IMPORT_WARNING", "True")

import pandera.errors as pandera_errors

SAMPLE = 5
NAME = "CHECKS"


def load(file: Path) -> Mapping[str, Any]:
    """The schemas by table. Raises StepFailed with file and line."""
    found = functions.run(file, file.parent).get(NAME)
    if not isinstance(found, dict) or not all(hasattr(s, "validate") for s in found.values()):
        raise errors.StepFailed(
            "ingest.bad_checks", f"the file defines no {NAME} of table -> Pandera schema",
            file.name,
            f'Write: {NAME} = {{"raw.orders": Orders}}, with a pandera DataFrameModel.',
        )  # fmt: skip
    return found


def run(
    job: jobs.IngestJob, tables: Iterable[tuple[str, str]], fault: faults.Fault = faults.none
) -> Iterator[tuple[str, tuple[observed.CheckState, ...]]]:
    """Every check of the job's files on these tables, given with their metadata files.

    Answers the metadata file and what was found, one table after the other.
    """
    every = [load(Path(str(job.project)) / one.file) for one in job.audits]
    fault("audit_begun")
    for table, location in tables:
        schemas = [checks[table] for checks in every if table in checks]
        if schemas:
            rows = workspace.read(Path(str(job.lake.warehouse)), table, location)
            yield location, tuple(s for schema in schemas for s in check(table, schema, rows))


def check(table: str, schema: Any, rows: pa.Table) -> tuple[observed.CheckState, ...]:
    """What the schema says of these rows: one state for the table, or one for each failure."""
    frame = rows.to_pandas()
    try:
        schema.validate(frame, lazy=True)
    except pandera_errors.SchemaErrors as reason:
        return tuple(_failures(table, frame, reason.failure_cases))
    except Exception as reason:  # the user's check may raise anything at all
        text = next(iter(str(reason).strip().splitlines()), "")
        told = f"{type(reason).__name__}: {text}"
        return (observed.CheckState(table, False, 0, (), f"the check could not run: {told}"),)
    return (observed.CheckState(table, True, 0, (), f"{len(frame)} rows"),)


def _failures(table: str, frame: Any, cases: Any) -> Iterator[observed.CheckState]:
    """One state for each column and check, with a sample of whole rows."""
    columns = cases["column"].where(cases["column"].notna(), "")
    for (column, check), found in cases.groupby([columns, cases["check"].astype(str)]):
        place = f"{table}.{column}" if column else table
        index = found["index"].dropna()
        rows = [_row(frame, number) for number in index.head(SAMPLE)]
        seen = [{"value": str(v)} for v in found["failure_case"].head(SAMPLE)]
        count = int(index.nunique()) or len(found)
        yield observed.CheckState(f"{place}: {check}", False, count, tuple(rows or seen))


def _row(frame: Any, number: Any) -> Mapping[str, str]:
    """One row as text. ``number`` is its label in the frame's own index."""
    row = frame.loc[int(number)]
    return {str(name): str(value) for name, value in row.items()}
