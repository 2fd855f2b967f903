"""One chunk of changes into the tables: skip what is included, follow columns, fill, stage.

Nothing here is visible to a reader; the commit makes it so. A table that cannot be carried
exactly raises Trouble, and the worker goes back to the last commit without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyiceberg.types import IcebergType

from tidewright import errors
from tidewright.pipelines.decode import chunk, rawrows, types
from tidewright.pipelines.decode import relation as relations
from tidewright.pipelines.decode import schema as schemas
from tidewright.pipelines.lake import schema as lake_schema
from tidewright.pipelines.worker import evolve, filling, tables

LiveColumns = Callable[[str], Mapping[str, evolve.Live]]


def why(table: str, problem: errors.PlatformError) -> str:
    """What stopped the table, with the column that its place names."""
    column = problem.finding.where.name.removeprefix(f"{table}.")
    return (
        problem.what if column == problem.finding.where.name else f"column {column}: {problem.what}"
    )


class Trouble(Exception):
    """``table`` cannot be carried exactly; ``reason`` is shown to the user.

    ``shape``: its columns or key changed, so a copy made after that change is not concerned.
    """

    def __init__(self, table: str, reason: str, *, shape: bool = False) -> None:
        super().__init__(f"{table}: {reason}")
        self.table = table
        self.reason = reason
        self.shape = shape


@dataclass(slots=True)
class Staging:
    """Stages chunks into the followed tables. ``live``: the source's present columns of a table."""

    followed: Mapping[str, tables.Followed]
    live: LiveColumns
    changes: int = field(default=0)

    def stage(self, part: chunk.Part, above: int, below: int | None) -> int:
        """Stage the changes committed at or after ``above`` and before ``below``; how many."""
        table = self.followed.get(part.relation.table)
        if table is None:
            return 0
        fresh = part.commit_lsn >= above
        if below is not None:
            fresh &= part.commit_lsn < below
        if not fresh.any():
            return 0
        part = part if fresh.all() else part.where(fresh)
        try:
            self._follow(table, part)
            for run in _runs(part):
                self._stage_run(table, run)
        except errors.StepFailed:
            raise  # a full disk or a server that is away: no fault of the table
        except errors.PlatformError as problem:
            raise Trouble(table.name, why(table.name, problem)) from problem
        except evolve.Impossible as problem:
            raise Trouble(table.name, str(problem), shape=True) from problem
        table.changes += part.rows
        table.changed = True
        return part.rows

    def _follow(self, table: tables.Followed, part: chunk.Part) -> None:
        """Bring the lake's columns to those of the relation that the stream now speaks of."""
        if table.seen == part.relation:
            return
        if part.relation.oid != table.oid:
            raise evolve.Impossible("the table was dropped and made again in the source")
        evolve.same_key(table.key, relations.key_of(part.relation, table.key))
        evolve.told_apart(relations.alike(part.relation.names))
        streamed = {c.name: str(types.carried(c).arrow) for c in part.relation.columns}
        if streamed != {column.name: column.kind for column in table.known}:
            if table.appended:
                raise evolve.Impossible("somebody changed the columns of this topic")
            live = self.live(table.name)
            steps = evolve.changes(table.known, streamed, live, table.numbered)
            _apply_steps(table, steps, streamed, live)
        table.seen = part.relation

    def _stage_run(self, table: tables.Followed, run: chunk.Part) -> None:
        key = [c.name for c in run.relation.columns]
        numbers = [key.index(name) for name in table.key]
        if run.op[0] != chunk.TRUNCATE:
            run = filling.fill(run, numbers, lambda rows, names: _fetch(table, run, rows, names))
            table.raw.append(rawrows.raw_rows(run, table.raw_columns, table.key))
            if not table.appended:
                table.current.apply(run.op, types.typed(run))
        else:
            table.raw.append(rawrows.raw_rows(run, table.raw_columns, table.key))
            table.current.truncate()


def _runs(part: chunk.Part) -> Iterator[chunk.Part]:
    """The part cut at truncations, each of them a run of its own."""
    cuts = np.flatnonzero(part.op == chunk.TRUNCATE)
    if not len(cuts):
        yield part
        return
    edges = sorted({0, part.rows, *cuts.tolist(), *(cuts + 1).tolist()})
    for start, end in pairwise(edges):
        yield part.slice(start, end)


def _fetch(
    table: tables.Followed, run: chunk.Part, rows: Sequence[int], names: Sequence[str]
) -> pa.Table:
    """Present values, as PostgreSQL's text, for the keys at ``rows``."""
    chosen = np.zeros(run.rows, dtype=bool)
    chosen[list(rows)] = True
    asked = types.typed(run.where(chosen), table.key)
    typed = table.current.fetch(asked, names)
    return pa.table({n: types.to_text(typed.column(n).combine_chunks()) for n in names})


def _apply_steps(
    table: tables.Followed,
    steps: Sequence[evolve.Change],
    streamed: Mapping[str, str],
    live: Mapping[str, evolve.Live],
) -> None:
    """Stage the change of both tables and of what is known of the source's columns."""
    before = {column.name: column.attnum for column in table.known}
    before |= {s.new: before[s.old] for s in steps if isinstance(s, evolve.Rename)}
    numbers = {**{name: column.attnum for name, column in live.items()}, **before}
    table.known = tuple(evolve.Known(name, numbers[name], kind) for name, kind in streamed.items())
    mine, log = table.lake[0], table.lake[-1]
    mine.evolve([_lake_change(step) for step in steps])
    table.numbered = max(table.numbered, *(column.attnum for column in table.known))
    mine.set_properties(tables.properties(table.known, table.oid, table.numbered))
    shown = {field.name: field.field_type for field in log.schema.fields}
    for change in _raw_changes(steps, table.raw_columns or (), shown):
        log.evolve([change])


def _raw_changes(
    steps: Sequence[evolve.Change], declared: Collection[str], shown: Mapping[str, IcebergType]
) -> Iterator[lake_schema.Change]:
    """What the columns that the raw log shows typed need; a dropped one stays, with its past.

    Raises Impossible where a declared column would go on as a null, or as another type.
    """
    for step in steps:
        name = rawrows.raw_name(step.old if isinstance(step, evolve.Rename) else step.name)
        match step:
            case evolve.Rename(old, new) if name in shown or new in declared:
                raise evolve.Impossible(
                    f"column {old} was renamed to {new}, and the raw log shows one of them"
                )
            case evolve.Add(column, kind) if column in declared:
                added = lake_schema.AddColumn(name, schemas.iceberg_type(_arrow(kind)))
                if name not in shown:
                    yield added
                elif shown[name] != added.type:
                    raise evolve.Impossible(f"column {column} came back to the raw log as {kind}")
            case evolve.Promote(_, kind) if name in shown:
                yield lake_schema.Promote(name, schemas.iceberg_type(_arrow(kind)))


def _lake_change(step: evolve.Change) -> lake_schema.Change:
    match step:
        case evolve.Add(name, kind):
            return lake_schema.AddColumn(name, schemas.iceberg_type(_arrow(kind)))
        case evolve.Drop(name):
            return lake_schema.DropColumn(name)
        case evolve.Rename(old, new):
            return lake_schema.RenameColumn(old, new)
        case evolve.Promote(name, kind):
            return lake_schema.Promote(name, schemas.iceberg_type(_arrow(kind)))


def _arrow(kind: str) -> pa.DataType:
    """The Arrow type of its text, among those of the type map."""
    decimal = re.fullmatch(r"decimal128\((\d+), (\d+)\)", kind)
    if decimal:
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    return next(c.arrow for c in (*types.MAP.values(), types.TEXT) if str(c.arrow) == kind)
