"""The lake side of a load: a table for each stream, and one commit of rows and state.

Where the connector stands is in the very row that makes the rows visible, so a crash at any moment
leaves both or neither. Bronze only grows: ``_seq`` numbers a stream's records without a gap.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.partitioning import PartitionSpec

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import flow as flows
from tidewright.model import jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import raw, store
from tidewright.pipelines.load import columns, marks, messages, sync
from tidewright.pipelines.worker import claim

_PLAIN = PartitionSpec(spec_id=0)


@dataclass(frozen=True, slots=True)
class Brought:
    """What a commit brought: rows, and the ages (ms) of those that are no history."""

    commit_id: int
    rows: int
    times_ms: tuple[int, ...]


class Landing:
    """Open it, ``prepare`` each stream's table, ``commit`` portions. Used from one thread."""

    def __init__(self, job: jobs.LoadJob, fault: faults.Fault) -> None:
        self.job = job
        self.marks: dict[str, marks.Mark] = {}
        self.commits = 0
        self.position = 0
        self.source = ""
        self._fault = fault
        self._lake: store.Store | None = None
        self._claim: psycopg.Connection | None = None
        self._grown: dict[str, raw.RawTable] = {}

    @property
    def lake(self) -> store.Store:
        assert self._lake is not None
        return self._lake

    @property
    def is_open(self) -> bool:
        return self._lake is not None

    def open(self) -> None:
        """Hold the flow, fence older writers, and read where the last commit stood."""
        self.close()
        secrets = Path(str(self.job.secrets))
        self._claim = postgres.connect(self.job.lake.catalog, secrets)
        claim.take(self._claim, self.job.name)
        options = store.Options(fault=self._fault)
        owner = f"load, pid {os.getpid()}"
        self._lake = store.Store.open(self.job.lake, secrets, self.job.name, owner, options)
        self._read_back()
        self._fault("opened")

    def close(self) -> None:
        """Let go of everything; what is staged is lost, and comes again."""
        if self._lake is not None:
            self._lake.close()
        if self._claim is not None:
            self._claim.close()
        self._lake = self._claim = None

    def is_held(self) -> bool:
        """Whether the connection that holds the flow still stands."""
        return self._claim is not None and not self._claim.closed

    def _read_back(self) -> None:
        last = self.lake.last_commit()
        self.marks = marks.decode(last.state if last else None)
        self.position = flows.position_value(last.kind, last.position) if last else 0
        self.source = str((last.state or {}).get("source", "")) if last else ""
        self._grown = {
            name: raw.RawTable(table, partition=(), order=(columns.SEQ,))
            for name, table in self.lake.tables.items()
        }

    def table_name(self, stream: str) -> str:
        """``bronze.orders``; what a name may not hold becomes an underscore."""
        return f"{self.job.load.to}.{re.sub(r'[^A-Za-z0-9_$]', '_', stream)}"

    # -- one stream ----------------------------------------------------------------------------

    def prepare(self, stream: messages.Stream) -> tuple[columns.Shape, marks.Mark]:
        """The stream's table as its schema now wants it, and where to go on. Raises Unusable."""
        mode: marks.Mode = "incremental" if "incremental" in stream.modes else "full"
        before = self.marks.get(stream.name, marks.Mark(mode))
        if before.mode != mode:
            raise columns.Unusable(f"it was read as {before.mode}, and is {mode} now")
        found = columns.shape(stream.schema, stream.key)
        name = self.table_name(stream.name)
        table = self.lake.table(name)
        if table is None:
            table = self.lake.create(name, columns.table_schema(found), _PLAIN, {})
            self._grown[name] = raw.RawTable(table, partition=(), order=(columns.SEQ,))
        else:
            changes = columns.changes(table.schema, found)
            if changes:
                table.evolve(changes)
        return found, before

    # -- the commit ----------------------------------------------------------------------------

    def commit(self, portions: Iterable[sync.Portion], source: str) -> Brought | None:
        """Rows and state in one transaction; None when there is nothing to say.

        Raises the error of an outage, after which ``open`` finds what became of it.
        """
        given = tuple(portions)
        fresh = any(t.state.location is None or t.staged for t in self.lake.tables.values())
        if not given and not fresh:
            return None
        for portion in given:
            self._stage(portion)
        self._fault("page_staged")
        news = {**self.marks, **{p.stream: p.mark for p in given}}
        times = _times(given, self.marks)
        identity = flows.Identity(source, 1, self.job.load.connector.name)
        rows = sum(page.num_rows for p in given for page in p.rows)
        facts = store.CommitFacts(
            flows.Position("connector", identity, self.position + 1),
            newest_ms=max(times, default=None), oldest_ms=min(times, default=None),
            changes=rows, state=marks.encode(news, source),
        )  # fmt: skip
        return self._done(self._settled(self.lake.commit(facts)), news, Brought(0, rows, times))

    def _stage(self, portion: sync.Portion) -> None:
        name = self.table_name(portion.stream)
        if portion.whole:
            table = self.lake.tables[name]
            table.overwrite([table.write(page) for page in portion.rows if page.num_rows])
        elif portion.rows:
            self._grown[name].append(pa.concat_tables(portion.rows))

    def _settled(self, answer: store.Done | store.Refused | store.Unknown) -> store.Done:
        """What became of it in the end. Raises when it was refused."""
        if isinstance(answer, store.Unknown):
            settled = self.lake.read_back(answer.token)
            answer = settled
        if isinstance(answer, store.Done):
            return answer
        raise errors.Refused(
            "lake.refused", f"the lake refused a commit: {answer.detail}", f"flow {self.job.name}",
            "End the other writer; this one starts again from the last commit.",
        )  # fmt: skip

    def _done(self, done: store.Done, news: Mapping[str, marks.Mark], brought: Brought) -> Brought:
        self.marks = dict(news)
        self.position += 1
        self.commits += 1
        for grown in self._grown.values():
            grown.committed()
        self._fault("committed")
        return replace(brought, commit_id=done.commit_id)

    def upkeep(self) -> None:
        """Small steps of care between commits. A full stream's table needs no merging."""
        for stream, mark in self.marks.items():
            grown = self._grown.get(self.table_name(stream))
            if grown is not None and mark.mode == "incremental":
                grown.upkeep()
        self.lake.care()


def _times(portions: Iterable[sync.Portion], before: Mapping[str, marks.Mark]) -> tuple[int, ...]:
    """When the oldest and newest rows of each stream were made; history does not count."""
    found: list[int] = []
    for portion in portions:
        old = before.get(portion.stream)
        known = old is not None and old.complete and portion.mark.mode == "incremental"
        if not known or portion.mark.sorts is None:
            continue
        for page in portion.rows:
            column = page.column(portion.mark.sorts)
            if pa.types.is_timestamp(column.type) and page.num_rows:
                ends = pc.min_max(column.cast(pa.timestamp("ms", column.type.tz), safe=False))
                found += [ends["min"].value, ends["max"].value]
    return tuple(found)
