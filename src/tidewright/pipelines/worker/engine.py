"""Performs each act of the core on the real source and the real lake. Decides nothing.

An outage (a PlatformError that is Transient) passes through ``perform``: the loop waits and asks
again. Everything else becomes an outcome that the core learns from.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import flow, jobs
from tidewright.pipelines.core import acts, decide, faults, state
from tidewright.pipelines.decode import decoder
from tidewright.pipelines.feeds import peek
from tidewright.pipelines.feeds import tables as reading
from tidewright.pipelines.lake import store
from tidewright.pipelines.lake import table as lake_table
from tidewright.pipelines.worker import (
    appending,
    claim,
    copying,
    cuts,
    evolve,
    following,
    overtaken,
    pulled,
    released,
    staging,
    stops,
    tables,
    trimming,
    watch,
)

PEEK_MESSAGES = 300_000
CHUNK_CHANGES = 150_000
GONE = ("source.slot_missing", "source.slot_lost", "source.publication_missing")


class Engine:
    """One worker's hands: the feed, the lake, the followed tables, and a copy under way."""

    def __init__(self, job: jobs.CaptureJob, fault: faults.Fault) -> None:
        self.job = job
        self.followed: dict[str, tables.Followed] = {}
        self.copy: copying.Copying | None = None
        self.batch = pulled.Batch()
        self.last = pulled.Batch()
        self.committed: store.Done | None = None
        self.problem: errors.PlatformError | None = None
        self._joined: tuple[str, ...] = ()
        self._overtaken = overtaken.Overtaken()
        self._fault = fault
        self._secrets = Path(str(job.secrets))
        self.feed = peek.PeekFeed(job.source, self._secrets)
        self._trimming = trimming.Trimming(job.source, self._secrets)
        self._lake: store.Store | None = None
        self._side: psycopg.Connection | None = None
        self._identity: flow.Identity | None = None
        self._doubt: store.Unknown | None = None

    @property
    def _mark(self) -> Path:
        return Path(str(self.job.status)).with_name(released.MARK)

    def landed(self, table: str) -> lake_table.Table | None:
        """A table of the lake as it is now, followed or not; None before the lake is open."""
        return self._lake.table(table) if self._lake is not None else None

    @property
    def lake(self) -> store.Store:
        assert self._lake is not None
        return self._lake

    @property
    def side(self) -> psycopg.Connection:
        """A connection to the catalog for small questions; made again when it broke."""
        if self._side is None or self._side.closed:
            self._side = self._claimed()
        return self._side

    def _claimed(self) -> psycopg.Connection:
        """A connection that holds the flow: the claim lives and dies with it."""
        conn = postgres.connect(self.job.lake.catalog, self._secrets)
        try:
            claim.take(conn, self.job.name)
        except BaseException:
            conn.close()
            raise
        return conn

    @property
    def _stops(self) -> stops.Stops:
        return stops.Stops(self.side, self.job.name, self.lake.epoch)

    def perform(self, act: acts.Act) -> acts.Outcome:
        """Do it. Raises the error of an outage, which the loop outlives."""
        match act:
            case acts.Open():
                return self._open()
            case acts.MakeSlot():
                return self._make_slot()
            case acts.StartCopy(names):
                return self._start_copy(names)
            case acts.Join():
                return self._join(act)
            case acts.Pull():
                return self._pull(act)
            case acts.Commit(position):
                return self._commit(position)
            case acts.ReadBack():
                return self._read_back()
            case acts.Reload():
                return self._reload()
            case acts.Advance(position):
                self.feed.advance(position)
                if self.job.source.append_only:
                    self._trimming.carried(position, self.followed)
                self._fault("advanced")
                return acts.Advanced(position)
            case acts.CutReached() | acts.Rest() | acts.Stop():
                return acts.Rested()
            case _:
                assert_never(act)

    def close(self) -> None:
        """Let go of everything; what is staged is lost, and found again at the next start."""
        self._trimming.close()
        if self.copy is not None:
            self.copy.close()
        if self._lake is not None:
            self._lake.close()
        if self._side is not None:
            self._side.close()
        self.feed.close()

    # -- start --------------------------------------------------------------------------------

    def _open(self) -> acts.Outcome:
        job = self.job
        self._identity = self.feed.identity()
        slot = self.feed.slot()
        if self._lake is not None:
            self._lake.close()
        stops.prepare(self.side)  # with it the claim, before the lease is taken from anyone
        cuts.prepare(self.side)
        options = store.Options(fault=self._fault)
        self._lake = store.Store.open(job.lake, self._secrets, job.name, following.owner(), options)
        self._note_removed(self._lake.last_commit())
        if self._released:
            self._start_over(self._lake.last_commit())
        last = self._last_followed()
        self._stops.clear(tuple(t for t in self._stops.all() if not self.holds(t)))
        names, stopped = self._find()
        self._fault("opened")
        return acts.Opened(
            position=flow.lsn_value(last.position) if last else None,
            identity=last.source if last else None,
            source=str(self._identity),
            slot=acts.Slot(slot.confirmed or 0, slot.lost is not None) if slot.exists else None,
            tables=names,
            stopped=stopped,
        )

    def take(self, job: jobs.CaptureJob) -> acts.Outcome:
        """Go on with another set of tables; nothing else of the job may differ."""
        self.job = job
        self._note_removed(self.lake.last_commit())
        self.followed = {n: t for n, t in self.followed.items() if n in job.capture.tables}
        return acts.Wanted(job.capture.tables)

    def retry(self, known: state.State) -> acts.Outcome:
        """Try again each table that stopped before its first copy: what it lacked may be there."""
        names = tuple(t for t in known.stopped if not self.holds(t))
        self._stops.clear(names)
        return acts.CopyAgain(names) if names else acts.Rested()

    def _note_removed(self, last: store.CommitRow | None) -> None:
        """A table that left the flow stands still from here on; coming back, it is copied again."""
        known = self._stops.all()
        # What never came has nothing to stand still; why it did not is no longer of interest.
        wanted = set(self.job.capture.tables)
        self._stops.clear(tuple(t for t in known if t not in wanted and not self.holds(t)))
        if last is None:
            return
        if self.job.source.append_only:
            return  # a copy would replace the whole log by what the topic still holds
        raw = {tables.raw_name(self.job.capture.raw_namespace, t) for t in last.tables}
        for name in last.tables.keys() - raw - wanted:
            if known.get(name) == stops.REMOVED:
                continue
            self._stops.record(name, stops.REMOVED, last.position)

    def holds(self, name: str) -> bool:
        """Whether the lake has ever had this table. Only once it is open."""
        last = self.lake.last_commit()
        topic = self.job.source.append_only
        kept = tables.raw_name(self.job.capture.raw_namespace, name) if topic else name
        return last is not None and kept in last.tables

    @property
    def _released(self) -> bool:
        return released.is_meant(self._mark, self.job.source.slot)

    def _last_followed(self) -> store.CommitRow | None:
        """The commit to go on from. None when the slot was given back since: its position says
        nothing of the next slot, which may even be of another source.
        """
        return None if self._released else self.lake.last_commit()

    def _start_over(self, last: store.CommitRow | None) -> None:
        """The slot was given back on purpose: every table is copied again, at the next slot."""
        if self.job.source.append_only:
            raise errors.Bug(
                "lake.topic_again", "a topic would be copied again, and its history with it go",
                f"flow {self.job.name}", "Report this; nothing was changed.",
            )  # fmt: skip
        for name in self.job.capture.tables:
            self._stops.record(name, stops.REMOVED, last.position if last else None)

    def _find(self) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        """Read the followed tables from the lake; names, and the stops that stand."""
        known = self._stops.all()
        self.followed = {}
        for name in self.job.capture.tables:
            found = None if name in known else self._found(name)
            if found is not None:
                self.followed[name] = found
        wanted = self.job.capture.tables
        stopped = tuple(
            (t, known[t]) for t in wanted if known.get(t, stops.REMOVED) != stops.REMOVED
        )
        return tuple(self.followed), stopped

    def _found(self, name: str) -> tables.Followed | None:
        if self.job.source.append_only:
            return appending.find(self.job.capture, self.lake, name)
        return following.find(self.job.capture, self.lake, name)

    def _make_slot(self) -> acts.Outcome:
        confirmed = self.feed.ensure(self.job.capture.tables)
        self._fault("slot_made")
        return acts.SlotMade(confirmed)

    # -- first copies -------------------------------------------------------------------------

    def _start_copy(self, names: tuple[str, ...]) -> acts.Outcome:
        """Publish the tables one by one, so that one that is unfit does not hold up the rest."""
        for name in names:
            try:
                self.feed.publish((name,))
                reading.require_readable(self.feed.side, name)
            except errors.Refused as problem:
                return self._stop_table(name, staging.why(name, problem))
        self.copy = copying.Copying(
            self.job.capture, self.job.source, self._secrets, names, self._fault
        )
        self.copy.start(self.lake.prepare)
        return acts.CopyStarted(names)

    def copy_news(self) -> acts.Outcome | None:
        """What became of the copy, once; None while it runs or when there is none."""
        copy = self.copy
        if copy is None or copy.told or not copy.finished():
            return None
        if copy.progress.done:
            copy.told = True
            self._fault("copy_done")
            return acts.CopyFinished(copy.names, copy.at)
        self.copy, self.problem = None, copy.progress.problem
        copy.close()
        if copy.progress.trouble is not None:
            match self._overtaken.judge(copy.progress.trouble, self.feed.side.place):
                case staging.Trouble() as trouble:
                    return self._stop_table(trouble.table, trouble.reason)
                case again:
                    self.problem = again
        return acts.CopyFailed(copy.names)

    def _join(self, act: acts.Join) -> acts.Outcome:
        assert self.copy is not None
        self.batch.dirty = True
        try:
            self.batch.changes += self.copy.catch_up(act.position)
            # From here to ``close`` the copy's locks keep the tables as they are.
            watch.check_copied(self.feed.side, list(self.copy.followed.values()))
        except staging.Trouble as found:
            match self._overtaken.judge(found, self.feed.side.place):
                case staging.Trouble() as trouble:
                    return self._stop_table(trouble.table, trouble.reason)
                case again:
                    raise again from found
        for name in act.tables:
            followed = self.copy.followed[name]
            for table in followed.lake:
                self.lake.adopt(table)
            self.followed[name] = followed
        self.batch.changes += sum(self.copy.progress.rows.values())
        self.copy.close()
        self.copy = None
        self._joined = act.tables
        self._overtaken.forget(act.tables)
        return acts.Joined(act.tables, act.position)

    # -- the feed -----------------------------------------------------------------------------

    def _pull(self, act: acts.Pull) -> acts.Outcome:
        try:
            return self._pull_all(act)
        except staging.Trouble as trouble:
            return self._stop_table(trouble.table, trouble.reason)
        except errors.PlatformError as problem:
            if problem.code in GONE:
                return acts.SlotGone(problem.code, problem.what)
            raise

    def _pull_all(self, act: acts.Pull) -> acts.Outcome:
        decode = decoder.decoder({name: t.key for name, t in self.followed.items()})
        stage = staging.Staging(self.followed, self._live_columns)
        passed = False
        for frame in self.feed.peek(PEEK_MESSAGES, act.below):
            decode.feed(frame)
            while (chunk := decode.take(CHUNK_CHANGES)) is not None:
                passed = self._stage(stage, chunk, act)
        passed = self._stage(stage, decode.finish(), act) or passed
        watch.check_shapes(self.feed.side, [t for t in self.followed.values() if t.changed])
        self._fault("pulled")
        return acts.Pulled(self.batch.end, passed or self.feed.exhausted)

    def _stage(self, stage: staging.Staging, chunk: pulled.Chunk, act: acts.Pull) -> bool:
        """Whether it went past the end of ``act``, and so everything before that was seen."""
        self.batch.dirty = self.batch.dirty or chunk.changes > 0
        for part in chunk.parts:
            self.batch.changes += stage.stage(part, act.above, act.below)
        fresh = ~decide.includes(act.above, chunk.commit_lsn)
        if act.below is not None:
            fresh &= chunk.commit_lsn < act.below
        self.batch.add(chunk.commit_us[fresh], chunk.end_lsn[fresh])
        return act.below is not None and bool((chunk.commit_lsn >= act.below).any())

    def _live_columns(self, name: str) -> Mapping[str, evolve.Live]:
        return following.live_columns(self.feed.side, name)

    def look_around(self, known: state.State) -> acts.Outcome | None:
        """What no change in the feed tells: a wish to copy again, a rewrite, the publication."""
        asked = [t for t, why in self._stops.all().items() if why == stops.REMOVED]
        again = tuple(t for t in asked if t in known.following or t in known.stopped)
        if again:
            self.followed = {n: t for n, t in self.followed.items() if n not in again}
            return acts.CopyAgain(again)
        try:
            return watch.look(self.feed, self.followed)
        except staging.Trouble as trouble:
            return self._stop_table(trouble.table, trouble.reason)

    def _stop_table(self, name: str, reason: str) -> acts.Outcome:
        last = self.lake.last_commit()
        if not self._stops.record(name, reason, last.position if last else None):
            return acts.Refused("another worker has taken over this flow")
        return acts.TableStopped(name, reason)

    # -- the commit ---------------------------------------------------------------------------

    def _commit(self, position: int) -> acts.Outcome:
        assert self._identity is not None
        facts = store.CommitFacts(
            flow.Position("postgres", self._identity, position),
            self.batch.newest_ms, self.batch.oldest_ms, self.batch.changes,
        )  # fmt: skip
        began = time.monotonic()
        match self.lake.commit(facts):
            case store.Done() as done:
                self.batch.commit_seconds = time.monotonic() - began
                return self._committed(done, position)
            case store.Refused(reason, detail):
                return acts.Refused(f"{reason}: {detail}")
            case store.Unknown() as doubt:
                self._doubt = doubt
                return acts.Unknown(position)

    def _committed(self, done: store.Done, position: int) -> acts.Outcome:
        self.committed = done
        self.last, self.batch = self.batch, pulled.Batch()
        if self._joined:
            # Only these: a wish to copy a followed table again must live until it is heard.
            self._stops.clear(self._joined)
            released.clear(self._mark)
            self._joined = ()
        for table in self.followed.values():
            table.current.committed()
            table.raw.committed()
        self._fault("committed")
        return acts.Done(position)

    def _read_back(self) -> acts.Outcome:
        assert self._doubt is not None
        match self.lake.read_back(self._doubt.token):
            case store.Done() as done:
                last = self.lake.last_commit()
                self._committed(done, 0)
                return acts.Landed(flow.lsn_value(last.position) if last else 0)
            case store.Refused():
                return acts.Absent()

    def _reload(self) -> acts.Outcome:
        """Whatever broke a connection may have put another source behind the same address."""
        assert self._identity is not None
        self.feed.same_source(self._identity)
        if self.copy is not None:
            self.copy.close()
            self.copy = None
        self.lake.reload()
        self.batch, self._joined = pulled.Batch(), ()
        last = self._last_followed()
        names, stopped = self._find()
        return acts.Reloaded(flow.lsn_value(last.position) if last else None, names, stopped)

    def upkeep(self) -> None:
        """Small steps of care between commits."""
        for table in self.followed.values():
            table.current.upkeep()
            table.raw.upkeep()
        self.lake.care()
