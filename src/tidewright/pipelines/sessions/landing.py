"""Where a stage's outcome lies: three Delta tables, each with its own position.

The sessions table is committed last and is what counts: open sessions and watermark are in it, so
the stage's state is read back from there. A crash between two commits leaves another table ahead;
what it has is left out when the same events come again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewright.model import flow as flows
from tidewright.model import jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.delta import care, table
from tidewright.pipelines.lake import topicrows
from tidewright.pipelines.sessions import core, shapes

OPEN, CLOSED = "open", "closed"
SEEN = "watermark"
NO_KEY, NO_TIME = "it has no key", "it has no time"
AHEAD, LATE = "its time is ahead of its receipt", "it came too late"
# How the core's columns are called in the table.
_NAMES: Mapping[str, str] = {
    "start": "started_at", "end": "ended_at", "first": "first_offset", "head": "head_offset",
    "tail": "tail_offset",
}  # fmt: skip
_TIMES = ("started_at", "ended_at")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one batch of news became. ``reasons``: of each event, why it was set aside, or null."""

    news: topicrows.News
    step: core.Step
    reasons: pa.Array


class Landing:
    """The three tables, opened at their last commits."""

    def __init__(
        self, job: jobs.SessionsJob, known: shapes.Shapes, source: str, fault: faults.Fault
    ) -> None:
        folder = Path(str(job.delta))
        self._key = job.stage.key
        self._rules = shapes.rules(job)

        def opened(shape: table.Shape) -> table.Table:
            return table.open_table(folder, shape, job.name, source, fault)

        self.late, self.events = opened(known.late), opened(known.events)
        self.sessions = opened(known.sessions)
        self._care = [
            care.Care(self.late, (None,)),
            care.Care(self.events, (None,)),
            care.Care(self.sessions, (CLOSED,)),
        ]
        self._events = known.events
        self._late = known.late

    @property
    def position(self) -> int:
        """Up to where all three tables have everything."""
        return self.sessions.position

    def state(self) -> core.State:
        """Open sessions and watermark as of the last commit."""
        rows = self.sessions.rows(OPEN)
        columns = [_column(rows, name, self._key) for name in core.schema(self._rules).names]
        found = pa.Table.from_arrays(columns, schema=core.schema(self._rules))
        seen = self.sessions.mark(SEEN)
        return core.State(core.NEVER if seen is None else seen, found.combine_chunks())

    def land(self, turn: Turn) -> None:
        """Everything of the turn, durable. Raises what ``Table.commit`` raises."""
        position = turn.news.position
        aside = pc.is_valid(turn.reasons)
        self._add(self.late, position, self._set_aside(turn, aside))
        self._add(self.events, position, self._taken(turn, pc.invert(aside)))
        if position > self.sessions.position:
            state = turn.step.state
            closed = self._stored(turn.step.closed, position)
            added = [(OPEN, self._stored(state.open, None)), (CLOSED, closed)]
            marks = {} if state.seen == core.NEVER else {SEEN: state.seen}
            self.sessions.commit(table.Commit(position, added, replaced=(OPEN,), marks=marks))

    def all(self) -> tuple[table.Table, ...]:
        return (self.events, self.sessions, self.late)

    def rows(self, name: str) -> int:
        """How many rows one of the tables has, as its log says."""
        return next(t.count() for t in self.all() if t.shape.name == name)

    def upkeep(self) -> None:
        """One small step for each table."""
        for one in self._care:
            one.step()

    def _add(self, to: table.Table, position: int, rows: pa.Table) -> None:
        """What the table does not have yet. Its position moves with the others' all the same."""
        if position <= to.position:
            return
        fresh = rows.filter(pc.greater_equal(rows.column("_lsn"), to.position))
        fresh = fresh.drop_columns(["_lsn"])
        if to.shape.partition is None:
            added: list[tuple[str | None, pa.Table]] = [(None, fresh)]
        else:
            added = list(table.partitions(fresh, to.shape.partition))
        to.commit(table.Commit(position, added))

    def _taken(self, turn: Turn, mask: pa.Array) -> pa.Table:
        rows = turn.news.rows.filter(mask)
        received = rows.column("received").cast(pa.timestamp("us")).cast(shapes.MOMENT)
        days = pc.strftime(received, "%Y-%m-%d")
        made = {"received_at": received, "received_on": days}
        columns = {
            name: made[name] if name in made else rows.column(name).cast(kind)
            for name, kind in zip(
                self._events.columns.names, self._events.columns.types, strict=True
            )
        }
        return pa.table(columns | {"_lsn": rows.column("_lsn")})

    def _set_aside(self, turn: Turn, mask: pa.Array) -> pa.Table:
        rows = turn.news.rows.filter(mask)
        received = rows.column("received").cast(pa.timestamp("us")).cast(shapes.MOMENT)
        return pa.table(
            {
                "topic_offset": rows.column("topic_offset"),
                "received_at": received,
                "reason": turn.reasons.filter(mask),
                "value": rows.column("value"),
                "_lsn": rows.column("_lsn"),
            }
        )

    def _stored(self, sessions: pa.Table, closed_at: int | None) -> pa.Table:
        """The core's sessions as rows of the table."""
        numbers = pc.cast(sessions.column("first"), pa.string())
        ids = pc.binary_join_element_wise(sessions.column("key"), numbers, "-")
        columns = {"session_id": ids, self._key: sessions.column("key")}
        for name in sessions.schema.names[1:]:
            told = _NAMES.get(name, name)
            column = sessions.column(name)
            columns[told] = column.cast(shapes.MOMENT) if told in _TIMES else column
        marks = pa.repeat(pa.scalar(closed_at, pa.int64()), sessions.num_rows)
        return pa.table(columns | {shapes.CLOSED_AT: marks}, schema=self.sessions.shape.stored)


def _column(rows: pa.Table, name: str, key: str) -> pa.ChunkedArray:
    told = key if name == "key" else _NAMES.get(name, name)
    column = rows.column(told)
    return column.cast(pa.int64()) if told in _TIMES else column


def judge(rows: pa.Table, stage: flows.Sessions) -> pa.Array:
    """Why an event cannot be part of any session; null for those that can.

    An event whose time lies further ahead of its receipt than events may come late would drag the
    watermark along, and make everybody else late.
    """
    key, time = rows.column(stage.key), rows.column(stage.time)
    ahead = pc.greater(pc.subtract(time.cast(pa.int64()), rows.column("received")), _late(stage))
    found = pc.if_else(pc.fill_null(ahead, False), AHEAD, pa.scalar(None, pa.string()))
    found = pc.if_else(pc.is_null(time), NO_TIME, found)
    found = pc.if_else(pc.is_null(key), NO_KEY, found)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def for_core(rows: pa.Table, reasons: pa.Array, stage: flows.Sessions) -> pa.Table:
    """The events that can be part of a session, as the core takes them."""
    fit = rows.filter(pc.is_null(reasons))
    kept = dict.fromkeys((*stage.first, *stage.last))
    columns = {name: fit.column(name).cast(pa.string()) for name in kept}
    return pa.table(
        columns
        | {
            "key": fit.column(stage.key).cast(pa.string()),
            "time": fit.column(stage.time).cast(pa.int64()),
            "offset": fit.column("topic_offset"),
        }
    )


def with_late(reasons: pa.Array, late: np.ndarray) -> pa.Array:
    """The reasons, with those of the core: it saw the events that had none."""
    marks = np.zeros(len(reasons), np.bool_)
    marks[np.flatnonzero(np.asarray(reasons.is_null()))[late]] = True
    return pc.if_else(pa.array(marks), LATE, reasons)


def _late(stage: flows.Sessions) -> int:
    return int(stage.late * 1e6)
