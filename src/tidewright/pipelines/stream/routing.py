"""The user's SQL over one batch, and a place for every event: accepted, or rejected with a reason.

The SQL reads ``events`` (topic_offset, appended_at, key, value) and gives one row for each, with
its ``topic_offset``; a ``rejected`` that is not null is the reason why it is bad. An event on which
the SQL itself fails is bad too: the batch is halved until it stands alone, so the SQL must judge
each event by itself. SQL that gives no row for an event, or two, stops the stream before any is
lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from tidewright import errors
from tidewright.model import flow

OFFSET, REASON = "topic_offset", "rejected"
# What a value can be the cause of. Anything else is the SQL's own fault.
OF_DATA = (
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    duckdb.TypeMismatchException,
)
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Router:
    """The SQL of one stream, and the columns that its views cannot do without."""

    name: str
    sql: str
    needed: tuple[str, ...]

    @classmethod
    def of(cls, stream: flow.Stream, sql: str) -> Router:
        keys = [c for view in stream.views for c in (*view.key, view.order or "")]
        needed = tuple(dict.fromkeys(c for c in keys if c and c != OFFSET))
        return cls(stream.sql, sql.strip().rstrip(";"), needed)

    def columns(self, duck: duckdb.DuckDBPyConnection) -> Mapping[str, str]:
        """The columns of accepted rows with their DuckDB types, from an empty batch."""
        try:
            self._run(duck, 0, 0)
        except OF_DATA as reason:
            text = str(reason).strip().partition("\n")[0]
            raise self._wrong(text, "Correct the SQL; it is read again.") from None
        found = {str(r[0]): str(r[1]) for r in duck.execute("describe routed").fetchall()}
        if OFFSET not in found:
            raise self._wrong("it gives no column topic_offset", "Select topic_offset as it is.")
        for name in self.needed:
            if name not in found:
                what = f"it gives no column {name}, which a view of the stream needs"
                raise self._wrong(what, f"Select something as {name}.")
        return {name: kind for name, kind in found.items() if name != REASON}

    def route(self, duck: duckdb.DuckDBPyConnection, alive: Callable[[], None]) -> None:
        """Fill the tables ``accepted`` and ``dead`` (topic_offset, reason) from ``batch``.

        ``alive`` is called again and again: a batch of bad events alone takes long.
        """
        duck.execute("create or replace table dead (topic_offset bigint, reason varchar)")
        duck.execute("drop table if exists accepted")
        bounds = duck.execute("select min(topic_offset), max(topic_offset) from batch").fetchone()
        low, high = bounds if bounds and bounds[0] is not None else (0, 0)
        parts = [(int(low), int(high) + 1)]
        while parts:
            alive()
            parts += self._part(duck, *parts.pop())

    def _part(
        self, duck: duckdb.DuckDBPyConnection, low: int, high: int
    ) -> tuple[tuple[int, int], ...]:
        """Route the events from ``low`` on and before ``high``; two halves when the SQL fails."""
        try:
            self._run(duck, low, high)
        except OF_DATA as reason:
            first, middle = self._middle(duck, low, high)
            if middle is not None:
                return ((middle, high), (first, middle))
            text = str(reason).strip().partition("\n")[0].replace("\0", "")[:LONGEST]
            duck.execute("insert into dead values (?, ?)", [first, text])
            return ()
        self._check(duck)
        self._divide(duck)
        return ()

    def _run(self, duck: duckdb.DuckDBPyConnection, low: int, high: int) -> None:
        duck.execute(
            "create or replace temp view events as select * from batch"  # noqa: S608  numbers
            f" where topic_offset >= {low} and topic_offset < {high}"
        )
        try:
            duck.execute(f"create or replace table routed as (\n{self.sql}\n)")
        except OF_DATA:
            raise
        except duckdb.Error as reason:
            hint = "Correct the SQL; it is read again as soon as the file changes."
            raise self._wrong(str(reason).strip().partition("\n")[0], hint) from None
        names = {str(r[0]) for r in duck.execute("describe routed").fetchall()}
        if REASON not in names:
            duck.execute(f"alter table routed add column {REASON} varchar")

    def _middle(
        self, duck: duckdb.DuckDBPyConnection, low: int, high: int
    ) -> tuple[int, int | None]:
        """The first offset and the one that halves these events; None when there is one alone."""
        row = duck.execute(
            "select min(topic_offset), count(*), quantile_disc(topic_offset, 0.5),"
            " max(topic_offset) from batch where topic_offset >= ? and topic_offset < ?",
            [low, high],
        ).fetchone()
        assert row is not None
        first, count, half, last = row
        return int(first), None if count <= 1 else int(min(max(half, first + 1), last))

    def _check(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Exactly one row for each event."""
        row = duck.execute(
            "select count(*) filter (r.n is null), count(*) filter (r.n > 1),"
            " count(*) filter (e.topic_offset is null)"
            " from events e full join (select topic_offset, count(*) as n from routed group by 1) r"
            " using (topic_offset)"
        ).fetchone()
        assert row is not None
        for count, what in zip(row, ("none for", "several for", "made up"), strict=True):
            if count:
                raise self._wrong(
                    f"it gives one row for each event, but {what} {count} of them",
                    "Reject a bad event with a reason in the column rejected, and join with left.",
                )

    def _divide(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Rows without what the views need, or with what they cannot hold, are bad, whatever the
        SQL says of them.
        """
        wrong = [(f"{_quoted(name)} is null", f"{name} is missing") for name in self.needed]
        for name, kind in duck.execute(
            "select column_name, column_type from (describe routed)"
        ).fetchall():
            if name != REASON and _may_hold_text(kind):
                has = f"contains({_quoted(name)}::varchar, chr(0))"
                wrong.append((has, f"{name} has the character U+0000, which no PostgreSQL holds"))
        cases = " ".join(f"when {test} then '{said.replace(chr(39), '')}'" for test, said in wrong)
        reason = f"coalesce({REASON}::varchar, case {cases} end)" if cases else REASON
        duck.execute(
            "insert into dead"  # noqa: S608
            f" select topic_offset, replace({reason}::varchar, chr(0), '') from routed"
            f" where {reason} is not null"
        )
        rest = f"select * exclude ({REASON}) from routed where {reason} is null"  # noqa: S608
        there = duck.execute("select 1 from duckdb_tables() where table_name = 'accepted'")
        verb = "insert into accepted" if there.fetchone() else "create table accepted as"
        duck.execute(f"{verb} {rest}")

    def _wrong(self, what: str, hint: str) -> errors.StepFailed:
        return errors.StepFailed("stream.sql", what, self.name, hint)


def last_of_each(view: flow.Target, columns: Sequence[str]) -> str:
    """The accepted row that stays for each key of a batch: the greatest order, then the last."""
    key = ", ".join(map(_quoted, view.key))
    order = ", ".join(f"{_quoted(name)} desc" for name in orders(view))
    listed = ", ".join(map(_quoted, columns))
    return (
        f"select {listed} from accepted"  # noqa: S608  quoted names
        f" qualify row_number() over (partition by {key} order by {order}) = 1"
    )


def orders(view: flow.Target) -> tuple[str, ...]:
    """What decides which row of a key stays: the order asked for, then the topic's own."""
    return tuple(dict.fromkeys(name for name in (view.order, OFFSET) if name))


def _may_hold_text(kind: str) -> bool:
    """Of a DuckDB type: text itself, or anything made of other types."""
    return "VARCHAR" in kind or "JSON" in kind


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
