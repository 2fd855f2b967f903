"""One table of the source against the same table of the lake, at the same position."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import psycopg

from tidewright.model import acts

EXAMPLES = 5


def compare(
    source: psycopg.Connection, duck: duckdb.DuckDBPyConnection, table: str, key: Sequence[str]
) -> acts.TableDifference:
    """Count rows that are missing in the lake, extra there, or different.

    A key that the lake has twice is extra, alike or not.
    ``source`` is inside a read-only transaction at the cut; ``duck`` has a view of the lake's
    table at the cut under the same name. Columns that only the source has, and that hold any
    value, make the rows that hold them different.
    """
    types = _lake_types(duck, table)
    columns = _source_columns(source, table)
    shared = [name for name in columns if name in types]
    with tempfile.TemporaryDirectory(prefix="tidewright-verify-") as folder:
        file = Path(folder) / "rows.csv"
        _copy_out(source, table, columns, file)
        _load(duck, file, columns, types)
        try:
            return _differences(duck, table, key, shared, [c for c in columns if c not in types])
        finally:
            duck.execute("drop table if exists verify_source")


def _lake_types(duck: duckdb.DuckDBPyConnection, table: str) -> Mapping[str, str]:
    rows = duck.execute(f"describe {relation(table)}").fetchall()
    return {str(name): str(kind) for name, kind, *_ in rows}


def _source_columns(source: psycopg.Connection, table: str) -> list[str]:
    """Columns that the feed carries: generated ones are computed, not stored with the row."""
    rows = source.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
        " and not attisdropped and attgenerated = '' order by attnum",
        (relation(table),),
    )
    return [str(name) for (name,) in rows.fetchall()]


def _copy_out(source: psycopg.Connection, table: str, columns: Sequence[str], file: Path) -> None:
    query = (
        f"copy (select {', '.join(map(quoted, columns))} from only {relation(table)})"
        " to stdout (format csv, force_quote *)"
    )
    with file.open("wb") as out, source.cursor().copy(query.encode()) as copy:
        for block in copy:
            out.write(block)


def _load(
    duck: duckdb.DuckDBPyConnection, file: Path, columns: Sequence[str], types: Mapping[str, str]
) -> None:
    """Only quoted text is a value: an unquoted nothing is NULL, a quoted one an empty string."""
    names = ", ".join(f"{literal(name)}: 'varchar'" for name in columns)
    typed = ", ".join(_cast(name, types.get(name, "VARCHAR")) for name in columns)
    duck.execute(
        f"create or replace temp table verify_source as select {typed} from read_csv("
        f"{literal(str(file))}, header = false, columns = {{{names}}}, quote = '\"', escape = '\"',"
        " delim = ',', nullstr = '', allow_quoted_nulls = false, auto_detect = false,"
        " max_line_size = 1073741824, parallel = false, strict_mode = false, new_line = '\\n')"
    )


def _cast(name: str, kind: str) -> str:
    column = quoted(name)
    if kind == "BLOB":
        return f"unhex(substr({column}, 3)) as {column}"
    if kind == "BOOLEAN":
        return f"({column} = 't') as {column}"
    return f"cast({column} as {kind}) as {column}"


def _differences(
    duck: duckdb.DuckDBPyConnection,
    table: str,
    key: Sequence[str],
    shared: Sequence[str],
    unknown: Sequence[str],
) -> acts.TableDifference:
    lake, using = relation(table), ", ".join(map(quoted, key))
    unlike = [f"s.{quoted(c)} is distinct from l.{quoted(c)}" for c in shared if c not in key]
    unlike += [f"s.{quoted(c)} is not null" for c in unknown]
    changed = " or ".join(unlike) or "false"
    joined = f"from verify_source s join {lake} l using ({using}) where {changed}"
    only_source = f"from verify_source s anti join {lake} l using ({using})"
    only_lake = f"from {lake} l anti join verify_source s using ({using})"
    queries = {"missing": only_source, "extra": only_lake, "different": joined}
    counts = {what: _count(duck, query) for what, query in queries.items()}
    source_rows, lake_rows = _count(duck, "from verify_source"), _count(duck, f"from {lake}")
    # Keys are unique in the source: what matches beyond them is a key that the lake has again.
    again = (lake_rows - counts["extra"]) - (source_rows - counts["missing"])
    if again:
        queries["twice"] = f"from {lake} group by {using} having count(*) > 1"
    examples = [
        f"{what} {row}"
        for what, query in queries.items()
        for row in duck.execute(f"select {using} {query} limit {EXAMPLES}").fetchall()
    ]
    return acts.TableDifference(
        table,
        source_rows,
        lake_rows,
        missing=counts["missing"],
        extra=counts["extra"] + again,
        different=counts["different"],
        examples=tuple(examples),
    )


def _count(duck: duckdb.DuckDBPyConnection, tail: str) -> int:
    return int(str(duck.execute(f"select count(*) {tail}").fetchall()[0][0]))


def relation(table: str) -> str:
    """``bank.users`` as quoted SQL."""
    return ".".join(quoted(part) for part in table.split(".", 1))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
