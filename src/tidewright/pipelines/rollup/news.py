"""What a rollup reads: the events of its topic, or the sessions that were closed, by position."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewright import errors
from tidewright.model import flow, jobs
from tidewright.pipelines.lake import topicrows
from tidewright.pipelines.sessions import properties

# Of a closed session, the position of the commit that closed it.
CLOSED_AT = "closed_position"
MOST = 200_000
Position = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows up to ``position`` of ``identity``; ``received``: when events came (µs), if known."""

    position: int
    identity: str
    rows: pa.Table
    received: np.ndarray | None = None


class Source(Protocol):
    """``newer`` gives what lies after a position, which it asks for by the log's identity."""

    def newer(self, position: Position, most: int = MOST) -> Found | None: ...

    def close(self) -> None: ...


def source(job: jobs.RollupJob, name: str) -> Source:
    """By the name that a view gives it, with or without its database. Raises Refused."""
    short = name.rpartition(".")[2]
    if short == job.stage.topic:
        return Events(job)
    if short == "sessions" and job.sessions is not None:
        # Its library is an extra, loaded when there are sessions.
        closed = importlib.import_module("tidewright.pipelines.rollup.closed")
        found: Source = closed.Closed(Path(str(job.sessions)), job.sessions_flow)
        return found
    known = [job.stage.topic, *(["sessions"] if job.sessions else [])]
    raise errors.Refused(
        "stream.rollup_no_such_source",
        f"a view reads {name}; here are {', '.join(known)}", job.stage.sql,
        "Correct the name after FROM, or add the step that makes it.",
    )  # fmt: skip


def upto(job: jobs.RollupJob, name: str, position: int) -> pa.Table:
    """Everything from the beginning up to a position, for those who verify."""
    one = source(job, name)
    try:
        found = one.newer(lambda identity: 0, most=1 << 40)
    finally:
        one.close()
    if found is None:
        return pa.table({})
    rows = found.rows
    if "_lsn" in rows.column_names:
        return rows.filter(pc.less(rows.column("_lsn"), position))
    if CLOSED_AT in rows.column_names:
        return rows.filter(pc.less_equal(rows.column(CLOSED_AT), position))
    return rows


class Events:
    """The events of the topic, with the properties of their schema."""

    def __init__(self, job: jobs.RollupJob) -> None:
        columns = properties.reading(Path(str(job.schema)))
        self._topic = job.stage.topic
        self._reader = topicrows.Reader(job.lake, Path(str(job.secrets)), columns)

    def newer(self, position: Position, most: int = MOST) -> Found | None:
        pinned = self._reader.head()
        if pinned is None:
            return None
        first = position(pinned.source)
        if first >= flow.lsn_value(pinned.position):
            return None
        news = self._reader.news(self._topic, pinned, first, most)
        if news is None or news.position <= first:
            return None
        received = np.asarray(news.rows.column("received").to_numpy())
        return Found(news.position, news.source, news.rows, received)

    def close(self) -> None:
        self._reader.close()
