"""ClickHouse's SQL file as a plan: which tables there are, and which view feeds each of them. Pure.

ClickHouse keeps a materialized view by running its SELECT on each block of new rows and merging the
outcome into a table by that table's key. Exactly that is done here, so a column must be one that
merges: a count or sum into a sum, a minimum into a minimum. Anything else is refused with its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlglot
from sqlglot import expressions as exp

from tidewright import errors

Merge: TypeAlias = Literal["sum", "min", "max", "any"]
_MERGES: Mapping[Merge, tuple[type[exp.Expr], ...]] = {
    "sum": (exp.Count, exp.CountIf, exp.Sum),
    "min": (exp.Min,),
    "max": (exp.Max,),
    "any": (exp.AnyValue,),
}
_FUNCTIONS: Mapping[str, Merge] = {"sumif": "sum", "minif": "min", "maxif": "max"}
_ENGINES = ("SummingMergeTree", "AggregatingMergeTree")
_NEVER = (exp.Having, exp.Limit, exp.Distinct, exp.Window, exp.Join, exp.Union, exp.Subquery)
_T = exp.DataType.Type
_TYPES: Mapping[Any, str] = {
    _T.TEXT: "text", _T.VARCHAR: "text", _T.UUID: "uuid", _T.BOOLEAN: "boolean",
    _T.TINYINT: "bigint", _T.SMALLINT: "bigint", _T.INT: "bigint", _T.BIGINT: "bigint",
    _T.UTINYINT: "bigint", _T.USMALLINT: "bigint", _T.UINT: "bigint", _T.UBIGINT: "bigint",
    _T.FLOAT: "double precision", _T.DOUBLE: "double precision", _T.DATE: "date",
    _T.DATETIME: "timestamptz", _T.DATETIME64: "timestamptz", _T.TIMESTAMP: "timestamptz",
}  # fmt: skip
_NUMBERS = ("bigint", "double precision")


@dataclass(frozen=True, slots=True)
class Column:
    """``merge``: how a new value joins the old one; None: it is part of the key."""

    name: str
    kind: str
    merge: Merge | None


@dataclass(frozen=True, slots=True)
class View:
    """A table and the DuckDB SELECT that gives new rows of ``source`` in its columns' order."""

    table: str
    source: str
    columns: tuple[Column, ...]
    select: str

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.merge is None)


def read(text: str, file: str) -> tuple[View, ...]:
    """Every view of the file. Raises Refused, naming the line of what cannot be kept."""
    try:
        statements = [s for s in sqlglot.parse(text, read="clickhouse") if s is not None]
    except sqlglot.errors.SqlglotError as reason:
        found = getattr(reason, "errors", None) or [{}]
        raise _refusal("it is not ClickHouse's SQL", file, found[0].get("line")) from None
    reading = _Reading(file)
    for statement in statements:
        reading.take(statement)
    if not reading.views:
        raise _refusal("it creates no materialized view", file, None)
    return tuple(reading.views)


class _Reading:
    def __init__(self, file: str) -> None:
        self.file = file
        self.tables: dict[str, tuple[Column, ...]] = {}
        self.views: list[View] = []

    def take(self, statement: exp.Expr) -> None:
        kind = statement.args.get("kind") if isinstance(statement, exp.Create) else None
        if kind == "TABLE":
            self._table(statement)
        elif kind == "VIEW":
            self._view(statement)
        elif kind not in ("SCHEMA", "DATABASE"):
            raise self._wrong("it creates neither database, table nor view", statement)

    def _table(self, made: exp.Expr) -> None:
        name = made.this.this.name
        engine = made.find(exp.EngineProperty)
        if engine is None or engine.this.name not in _ENGINES:
            what = f"{name} does not merge rows by its key: its engine is none of "
            raise self._wrong(what + " or ".join(_ENGINES), made)
        summing = engine.this.name == "SummingMergeTree"
        order = made.find(exp.Order)
        named = order.find_all(exp.Column, exp.Identifier) if order else ()
        key = tuple(dict.fromkeys(c.name for c in named))
        if not key:
            raise self._wrong(f"{name} has no ORDER BY, which is its key", made)
        self.tables[name] = tuple(
            self._column(c, key, summing=summing) for c in made.this.expressions
        )

    def _column(self, made: exp.Expr, key: tuple[str, ...], *, summing: bool) -> Column:
        kind, merge = made.args["kind"], None
        if kind.this == _T.SIMPLEAGGREGATEFUNCTION:
            function, kind = kind.expressions
            merge = {"sum": "sum", "min": "min", "max": "max", "any": "any"}.get(function.name)
            if merge is None:
                raise self._wrong(f"{made.name} merges by {function.name}, which is not kept", made)
        found = self._type(kind, made)
        if made.name in key:
            return Column(made.name, found, None)
        if merge is None:
            merge = "sum" if summing and _is_number(found) else "any"
        return Column(made.name, found, merge)  # type: ignore[arg-type]  # one of the four words

    def _type(self, kind: exp.Expr, made: exp.Expr) -> str:
        while kind.this == _T.LOWCARDINALITY:
            kind = kind.expressions[0]
        if kind.this == _T.DECIMAL:
            return f"numeric({', '.join(p.name for p in kind.expressions)})"
        if kind.this not in _TYPES:
            raise self._wrong(
                f"the type of {made.name} is not kept: {kind.sql('clickhouse')}", made
            )
        return _TYPES[kind.this]

    def _view(self, made: exp.Expr) -> None:
        select, to = made.expression, made.find(exp.ToTableProperty)
        name = made.this.name
        if to is None or not isinstance(select, exp.Select):
            raise self._wrong(f"{name} is no materialized view TO a table", made)
        table = to.this.this.name if isinstance(to.this, exp.Schema) else to.this.name
        if table not in self.tables:
            raise self._wrong(f"{name} feeds {table}, which the file does not create", made)
        found = select.find(*_NEVER)
        if found is not None:
            raise self._wrong(f"{name} uses {found.key.upper()}, which cannot be kept", found)
        columns = self.tables[table]
        given = {e.alias_or_name: e.unalias() for e in select.expressions}
        self._check(name, columns, given, select)
        source = select.find(exp.Table)
        if source is None:
            raise self._wrong(f"{name} reads no table", made)
        self.views.append(View(table, _full(source), columns, _ordered(select, source, columns)))

    def _check(
        self,
        name: str,
        columns: tuple[Column, ...],
        given: Mapping[str, exp.Expr],
        select: exp.Select,
    ) -> None:
        if set(given) != {c.name for c in columns}:
            raise self._wrong(f"{name} does not give exactly the columns of its table", select)
        group = select.args.get("group")
        by = [e.name for e in group.expressions] if group else []
        if sorted(by) != sorted(c.name for c in columns if c.merge is None):
            raise self._wrong(f"{name} does not GROUP BY exactly the key of its table", select)
        for column in columns:
            if column.merge is not None and _merged_by(given[column.name]) != column.merge:
                what = f"{column.name} of {name} cannot be merged by {column.merge}"
                raise self._wrong(what, given[column.name])

    def _wrong(self, what: str, at: exp.Expr) -> errors.Refused:
        lines = [n.meta["line"] for n in at.walk() if "line" in n.meta]
        return _refusal(what, self.file, min(lines) if lines else None)


def _merged_by(made: exp.Expr) -> Merge | None:
    """How partial results of this expression are merged; None: they cannot be."""
    if any(isinstance(n, exp.Distinct) for n in made.walk()):
        return None
    for merge, kinds in _MERGES.items():
        if isinstance(made, kinds):
            return merge
    name = made.name if isinstance(made, exp.Anonymous | exp.CombinedAggFunc) else ""
    return _FUNCTIONS.get(str(name).lower())


def _full(table: exp.Table) -> str:
    return f"{table.db}.{table.name}" if table.db else table.name


def _ordered(select: exp.Select, source: exp.Table, columns: tuple[Column, ...]) -> str:
    """The SELECT for DuckDB, its columns as the table has them, over the relation ``news``."""
    made = select.copy()
    by_name = {e.alias_or_name: e for e in made.expressions}
    made.set("expressions", [by_name[c.name] for c in columns])
    found = made.find(exp.Table)
    assert found is not None
    found.replace(exp.alias_(exp.table_("news"), source.name, table=True))
    return made.sql("duckdb")


def _is_number(kind: str) -> bool:
    return kind in _NUMBERS or kind.startswith("numeric")


def _refusal(what: str, file: str, line: int | None) -> errors.Refused:
    return errors.Refused(
        "stream.rollup_cannot_keep", what, errors.Where(file, line),
        "Write CREATE TABLE with a merging engine and ORDER BY, then CREATE MATERIALIZED VIEW "
        "... TO it with counts, sums, minima and maxima by that key.",
    )  # fmt: skip


def sources(views: tuple[View, ...]) -> Iterator[str]:
    """The relations that any view reads, each once."""
    yield from dict.fromkeys(view.source for view in views)
