"""The mark that a function fills a table: all that a user's file imports from us.

    from tidewright.assets import asset

    @asset(table="raw.orders", cursor="batch")
    def orders(landing, after): ...

    @asset(table="raw.days", deps=["raw.orders"], mode="replace")
    def days(orders): ...

The function stays what it was, so that a test calls it, and Dagster takes it as it is. It returns
rows: a list of dicts, or anything that speaks Arrow (pyarrow, pandas, Polars, a DuckDB relation);
None for no rows. It is given what its parameters name: the rows of a table in ``deps`` (an Arrow
table, under the last part of its name), ``after`` (the largest value of the cursor column so far,
None at first) and ``landing`` (the folder that the step's workload fills, a ``pathlib.Path``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
MARK = "__tidewright_asset__"


@dataclass(frozen=True, slots=True)
class Asset:
    """What the mark says. ``mode`` append adds the rows, replace makes them the whole table."""

    table: str
    deps: tuple[str, ...]
    mode: Literal["append", "replace"]
    cursor: str | None


def asset(
    table: str,
    *,
    deps: Sequence[str] = (),
    mode: Literal["append", "replace"] = "append",
    cursor: str | None = None,
) -> Callable[[F], F]:
    """Mark a function as what fills ``table``, written ``schema.table``."""

    def mark(function: F) -> F:
        setattr(function, MARK, Asset(table, tuple(deps), mode, cursor))
        return function

    return mark
