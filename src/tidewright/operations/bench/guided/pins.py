"""One moment of a lake, for two readers: DuckDB with a view for each table, and plain rows.

Iceberg tables are those of one commit, Delta tables the data files of their newest versions.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from tidewright.model import jobs
from tidewright.operations import lakeside, state
from tidewright.operations.bench.guided.asking import Answer, Question, Row
from tidewright.pipelines.compare import scans


class Pin:
    """``ask`` by DuckDB, ``again`` by the other reader and Python."""

    def __init__(self, environment: state.Environment) -> None:
        landers = lakeside.landers(environment)
        with lakeside.catalog(landers[0]) as conn:
            self._pinned = lakeside.newest(conn, landers)
        self._delta = _delta(environment)
        self._duck: duckdb.DuckDBPyConnection = lakeside.views(self._pinned)
        for name, files in self._delta.items():
            self._view(name, files)

    def close(self) -> None:
        self._duck.close()

    def ask(self, question: Question) -> Answer:
        """All rows of the answer."""
        return self._duck.execute(question.sql).fetchall()

    def again(self, question: Question) -> Answer:
        """The same answer out of plain rows."""
        return question.again(lambda name: self._rows(name, question.columns[name]))

    def _rows(self, name: str, columns: tuple[str, ...]) -> Sequence[Row]:
        if name in self._delta:
            files = [pq.read_table(f, columns=list(columns), partitioning=None)
                     for f in self._delta[name]]  # fmt: skip
            return [row for one in files for row in one.to_pylist()]
        found: list[dict[str, Any]] = scans.scan(
            self._pinned.tables[name].metadata, columns
        ).to_pylist()
        return found

    def _view(self, name: str, files: Sequence[str]) -> None:
        listed = ", ".join("'" + f.replace("'", "''") + "'" for f in files)
        schema, _, _ = name.partition(".")
        self._duck.execute(f"create schema if not exists {schema}")
        self._duck.execute(
            f"create view {name} as select * from"  # noqa: S608  names and files of ours
            f" read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
        )


def _delta(environment: state.Environment) -> Mapping[str, tuple[str, ...]]:
    """The Delta tables with a file, by name. Their library is an extra, loaded when needed."""
    found: dict[str, tuple[str, ...]] = {}
    for _, job in lakeside.of_kind(environment, jobs.SessionsJob):
        newer = importlib.import_module("tidewright.pipelines.delta.newer")
        for table in ("events", "sessions"):
            at = newer.standing(Path(str(job.delta)) / job.stage.to / table, job.name)
            if at is not None and at.files:
                found[f"{job.stage.to}.{table}"] = at.files
    return found
