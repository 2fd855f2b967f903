"""New rows of one source as partial results of every view that reads it, with DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from tidewright import errors
from tidewright.clients import duckdb as ducks
from tidewright.pipelines.rollup import plan

# What ClickHouse calls otherwise and the translation leaves as it is.
_MACROS = (
    "create macro toDate(x) as cast(x as date)",
    "create macro toString(x) as cast(x as varchar)",
    "create macro toUInt64(x) as cast(x as bigint)",
    "create macro toInt64(x) as cast(x as bigint)",
    "create macro toFloat64(x) as cast(x as double)",
    "create macro domain(x) as regexp_extract(x, '^[a-z]+://([^/:]+)', 1)",
    "create macro path(x) as regexp_extract(x, '^(?:[a-z]+://[^/]+)?(/[^?#]*)', 1)",
)


class Feed:
    """Holds a DuckDB in memory; used from one thread."""

    def __init__(self, views: Sequence[plan.View], file: str) -> None:
        self._views, self._file = views, file
        self._duck = ducks.connect(memory_limit="512MB", threads=1)
        self._duck.execute("set timezone = 'UTC'")
        for macro in _MACROS:
            self._duck.execute(macro)

    def results(self, source: str, news: pa.Table) -> Mapping[plan.View, pa.Table]:
        """What each view makes of the new rows. Raises Refused when a view does not run."""
        mine = [v for v in self._views if v.source == source]
        if not news.num_columns:  # nothing has come yet, not even the names of columns
            return {v: pa.table({}) for v in mine}
        self._duck.register("news", news)
        try:
            return {v: self._run(v) for v in mine}
        finally:
            self._duck.unregister("news")

    def close(self) -> None:
        self._duck.close()

    def _run(self, view: plan.View) -> pa.Table:
        try:
            return self._duck.execute(view.select).to_arrow_table()
        except duckdb.Error as reason:
            raise errors.Refused(
                "stream.rollup_does_not_run", f"the view of {view.table} does not run: "
                f"{str(reason).partition(chr(10))[0]}", self._file,
                "Correct the view; `tidewright query` tries SQL on the same rows.",
            ) from None  # fmt: skip
