"""The platform's own checks as invariants: each SQL file returns the rows that are wrong."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tidewright.model import acts


def run(duck: duckdb.DuckDBPyConnection, folder: Path) -> list[acts.Invariant]:
    """Every ``*.sql`` of ``folder`` that reads tables of the lake alone.

    One that reads a model belongs to the refresh, which runs it there; any other that cannot be
    run does not hold.
    """
    found = (_one(duck, file) for file in sorted(folder.glob("*.sql")))
    return [invariant for invariant in found if invariant is not None]


def _one(duck: duckdb.DuckDBPyConnection, file: Path) -> acts.Invariant | None:
    sql = file.read_text(encoding="utf-8").strip().rstrip(";")
    try:
        rows = duck.execute(f"select count(*) from ({sql}) as wrong").fetchall()
    except duckdb.CatalogException:
        return None
    except duckdb.Error as problem:
        return acts.Invariant(file.stem, False, f"the check cannot be run: {problem}")
    wrong = int(rows[0][0])
    return acts.Invariant(file.stem, wrong == 0, f"{wrong} rows are wrong")
