"""The platform's own checks as invariants: each SQL file returns the rows that are wrong."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tidewright.model import acts

VIEW = "tidewright_check"
# How DuckDB begins the message of a table that is not there; a function that is not there, say,
# is a CatalogException as well.
NO_TABLE = "Catalog Error: Table with name"


def run(duck: duckdb.DuckDBPyConnection, folder: Path) -> list[acts.Invariant]:
    """Every ``*.sql`` of ``folder`` that reads tables of the lake alone.

    One that reads a model belongs to the refresh, which runs it there; any other that cannot be
    run does not hold.
    """
    found = (_one(duck, file) for file in sorted(folder.glob("*.sql")))
    return [invariant for invariant in found if invariant is not None]


def _one(duck: duckdb.DuckDBPyConnection, file: Path) -> acts.Invariant | None:
    try:
        wrong = _wrong(duck, file.read_text(encoding="utf-8"))
    except duckdb.Error as problem:
        if str(problem).startswith(NO_TABLE):
            return None
        return acts.Invariant(file.stem, False, f"the check cannot be run: {problem}")
    return acts.Invariant(file.stem, wrong == 0, f"{wrong} rows are wrong")


def _wrong(duck: duckdb.DuckDBPyConnection, text: str) -> int:
    """How many rows the one SELECT in ``text`` has, comments and semicolon included."""
    if [s.type for s in duck.extract_statements(text)] != [duckdb.StatementType.SELECT]:
        raise duckdb.InvalidInputException("this is not one SELECT")
    duck.execute(f"create or replace temp view {VIEW} as\n{text}")
    return int(str(duck.execute(f"select count(*) from {VIEW}").fetchall()[0][0]))
