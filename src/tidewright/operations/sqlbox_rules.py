"""What the SQL box accepts: exactly one SELECT over the lake's tables, by parse, not by pattern.

This is the first of three locks. The second is DuckDB's own statement type and settings
(``sqlbox_process``), the third the limits of the process. sqlglot is imported only here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Set

import sqlglot
from sqlglot import errors as sqlglot_errors
from sqlglot import exp

from tidewright import errors

# It logs each statement it does not know, with its text: row content in a log.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
WHERE = "the SQL box"
_WRITES = (
    exp.DML, exp.DDL, exp.Command, exp.Copy, exp.Attach, exp.Detach, exp.Pragma, exp.Set,
    exp.Into, exp.Use, exp.Transaction, exp.Commit, exp.Rollback, exp.Drop, exp.Alter,
)  # fmt: skip
# Table functions that read nothing but their arguments; every other one may open files.
_HARMLESS = frozenset(
    {"range", "generateseries", "generate_series", "unnest", "explode", "explodinggenerateseries"}
)
_SCHEMAS = frozenset({"information_schema"})


def check(sql: str, tables: Set[str]) -> None:
    """Raise Refused unless ``sql`` is one SELECT that names only ``tables`` and its own CTEs."""
    statement = _single(sql)
    if not isinstance(statement, exp.Query):
        raise _refused("it is not a SELECT")
    for node in statement.walk():
        if isinstance(node, _WRITES) and not isinstance(node, exp.Query):
            raise _refused(f"it contains {node.key.upper()}")
    ctes = {cte.alias.lower() for cte in statement.find_all(exp.CTE)}
    for problem in _foreign(statement, {t.lower() for t in tables} | ctes):
        raise _refused(problem)


def _single(sql: str) -> exp.Expr:
    try:
        found = [s for s in sqlglot.parse(sql, read="duckdb") if s is not None]
    except (sqlglot_errors.SqlglotError, RecursionError) as reason:
        raise _refused(
            f"it cannot be parsed: {_first_line(reason)}", "console.sql_syntax"
        ) from None
    if len(found) != 1:
        raise _refused(f"it holds {len(found)} statements")
    return found[0]


def _foreign(statement: exp.Expr, known: Set[str]) -> Iterator[str]:
    """A sentence for each relation that is neither known nor harmless."""
    for table in statement.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            if _function(table.this) not in _HARMLESS:
                yield f"the table function {_function(table.this)} is not allowed here"
        elif table.db.lower() in _SCHEMAS and not table.catalog:
            continue
        elif ".".join(part.name for part in table.parts).lower() not in known:
            yield f"there is no table {'.'.join(p.name for p in table.parts)} in the lake"


def _function(node: exp.Func) -> str:
    return (node.name if isinstance(node, exp.Anonymous) else node.key).lower()


def _first_line(reason: BaseException) -> str:
    return (str(reason).strip() or type(reason).__name__).splitlines()[0][:200]


def _refused(why: str, code: str = "console.sql_refused") -> errors.Refused:
    return errors.Refused(
        code,
        f"the statement was not run: {why}",
        WHERE,
        "Write one SELECT over tables of the lake.",
    )
