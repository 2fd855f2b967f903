"""What an asset returned, as an Arrow table: lists of dicts, and everything that speaks Arrow."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tidewright import errors
from tidewright.pipelines.ingest import functions


def arrow(returned: Any, found: functions.Found) -> pa.Table:
    """The rows. Raises StepFailed for what is no rows."""
    try:
        made = _arrow(returned)
    except (pa.ArrowException, TypeError, ValueError) as reason:
        text = next(iter(str(reason).splitlines()), type(reason).__name__)
        raise _wrong(found, f"{found.name} returned rows that are no table: {text}") from None
    if made is None:
        kind = type(returned).__name__
        raise _wrong(found, f"{found.name} returned {kind}, which holds no rows")
    twice = sorted({n for n in made.column_names if made.column_names.count(n) > 1})
    if twice:
        raise _wrong(found, f"{found.name} returned the column {twice[0]} twice")
    return made


def _arrow(returned: Any) -> pa.Table | None:
    if returned is None:
        return pa.table({})
    if isinstance(returned, pa.Table):
        return returned
    if isinstance(returned, list | tuple):
        return pa.Table.from_pylist([dict(row) for row in returned]) if returned else pa.table({})
    if hasattr(returned, "__arrow_c_stream__"):
        return _plain(pa.table(returned))
    return None


def _plain(made: pa.Table) -> pa.Table:
    """Without the index that pandas hands along when it is not one of the rows' columns."""
    index = "__index_level_0__"
    return made.drop_columns([index]) if index in made.column_names else made


def _wrong(found: functions.Found, what: str) -> errors.StepFailed:
    hint = "Return a list of dicts, or an Arrow, pandas or DuckDB table; None for no rows."
    return errors.StepFailed("ingest.bad_rows", what, found.where, hint)
