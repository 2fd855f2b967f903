"""The platform's own checks as invariants: each SQL file returns the rows that are wrong."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tidewright.model import acts


def run(duck: duckdb.DuckDBPyConnection, folder: Path) -> list[acts.Invariant]:
    """Every ``*.sql`` below ``folder``; a file that cannot be run does not hold."""
    return [_one(duck, file) for file in sorted(folder.glob("*.sql"))]


def _one(duck: duckdb.DuckDBPyConnection, file: Path) -> acts.Invariant:
    sql = file.read_text(encoding="utf-8").strip().rstrip(";")
    try:
        rows = duck.execute(f"select count(*) from ({sql}) as wrong").fetchall()
    except duckdb.Error as problem:
        return acts.Invariant(file.stem, False, f"the check cannot be run: {problem}")
    wrong = int(rows[0][0])
    return acts.Invariant(file.stem, wrong == 0, f"{wrong} rows are wrong")
