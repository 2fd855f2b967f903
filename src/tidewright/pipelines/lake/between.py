"""What came into a raw table between two positions: the rows of a micro-batch, as SQL for DuckDB.

The position rule everywhere: a transaction is included in P when its commit record starts before
P, and ``_lsn`` is where it starts. So the news from P0 to P1 is ``P0 <= _lsn < P1``, whatever files
compaction has made of it meanwhile. The bounds of ``_lsn`` that each data file and each row
group carries let the reader leave out all that is older.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidewright.model import flow
from tidewright.pipelines.lake import reader

# Rows of a first copy lie at its point, before any transaction that begins its commit there.
ORDER = "_lsn, op <> 'r', _seq"


@dataclass(frozen=True, slots=True)
class Span:
    """From position ``low`` to position ``high`` of one source (its identity as text)."""

    source: str
    low: int
    high: int

    @property
    def empty(self) -> bool:
        return self.low >= self.high


def span(pinned: reader.Pinned, table: str, source: str | None, low: int) -> Span | None:
    """What a stage that stands at ``low`` may take of a commit; None: the table is not in it yet.

    A table that joins the flow later brings rows from before its first commit. So a stage takes up
    its position only with a commit that has the table, and starts at 0. Raises ValueError when the
    commit is of another source than the stage's position: nothing can be said of what lies between.
    """
    if table not in pinned.tables or pinned.tables[table].snapshot is None:
        return None
    if source is not None and pinned.source != source:
        raise ValueError(f"the position is of {source}, the lake's commit of {pinned.source}")
    return Span(pinned.source, low, flow.lsn_value(pinned.position))


def rows(
    pinned: reader.Pinned,
    table: str,
    wanted: Span,
    columns: Sequence[str],
    most: int | None = None,
) -> str:
    """The rows of a span in the order of the source's commits, or the first ``most`` of them."""
    listed = ", ".join(f'"{name}"' for name in columns)
    limit = "" if most is None else f" limit {most}"
    return (
        f"select {listed} from {scan(pinned, table)} where {_inside(wanted)}"  # noqa: S608  ours
        f" order by {ORDER}{limit}"
    )


def after(pinned: reader.Pinned, table: str, wanted: Span, lsn: int) -> str:
    """Where in a span the next transaction after the one at ``lsn`` begins; null: nowhere."""
    return (
        f"select min(_lsn) from {scan(pinned, table)}"  # noqa: S608  ours
        f" where {_inside(wanted)} and _lsn > {lsn}"
    )


def _inside(wanted: Span) -> str:
    return f"_lsn >= {wanted.low} and _lsn < {wanted.high}"


def scan(pinned: reader.Pinned, table: str) -> str:
    """The table at the pinned commit, as a DuckDB source."""
    location = pinned.tables[table].metadata.replace("'", "''")
    return f"iceberg_scan('{location}')"
