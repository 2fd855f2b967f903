"""Read the topics, judge the checkpoints, record those that are moments of the source.

A checkpoint is judged when a later one is complete: Flink commits the tables of one before it
takes part in the next, so all of them show it by then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from tidewright.clients import objects, postgres
from tidewright.model import flow, native
from tidewright.pipelines.feeds import peek, session
from tidewright.pipelines.lake import catalog, metadata
from tidewright.pipelines.mover import voice
from tidewright.pipelines.record import boundaries, checkpoints, following, points
from tidewright.vault import files as vault

LOOK = 0.4  # seconds between two looks at the checkpoints
STUCK = 5.0  # seconds after which an END is no longer believed to count right
LONG = 30.0  # seconds without a moment of the source after which the status says so
READERS = 2  # of each topic: one for the raw table, one for the current one
HOP = "source_to_lake"


class Recorder:
    """``turn`` again and again. After a StepFailed or a psycopg error: ``close``, and a new one."""

    def __init__(self, job: native.RecordJob, told: voice.Voice) -> None:
        self._job, self._told = job, told
        secrets = str(job.secrets)
        self._store = objects.store(job.objects, lambda name: vault.read(secrets, name))
        self._conn = postgres.connect(job.catalog, secrets, connect_timeout=5)
        catalog.prepare(self._conn)
        self._epoch = catalog.take_lease(self._conn, job.name, "record")
        self._identity = _identity(job)
        last = catalog.last_commit(self._conn, job.name)
        begin = _begin(last, job.ends)
        self._judged = int((last.state or {}).get("checkpoint", 0)) if last else 0
        self._known = boundaries.Boundaries()
        self._topics = following.Following(
            str(job.brokers), job.topics, job.ends, begin, self._known
        )
        self._looked = 0.0
        self._since = self._unseen = time.monotonic()

    def close(self) -> None:
        self._topics.close()
        self._conn.close()

    def turn(self) -> None:
        """Read for a moment; look at the checkpoints when it is time."""
        self._topics.turn(LOOK / 4)
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        for one in self._due():
            if not self._settled(one):
                break
        waited = time.monotonic() - self._since
        if waited > LONG:
            text = f"for {waited:.0f} s no checkpoint has met the end of a transaction"
            self._told.say(message=text)
        else:
            self._told.say()

    def _due(self) -> Iterator[checkpoints.Checkpoint]:
        """Those that were not judged, oldest first, without the newest of all."""
        found = checkpoints.complete(
            self._store, f"{self._job.objects.bucket}/{self._job.checkpoints}"
        )
        return (one for one in found[:-1] if one.number > self._judged)

    def _settled(self, one: checkpoints.Checkpoint) -> bool:
        """Whether it needs no further look: it was recorded, or never can be."""
        try:
            with self._store.open_input_stream(one.file) as stream:
                data = stream.read()
            stood = checkpoints.stood(data, self._topics.partitions, READERS)
        except FileNotFoundError:
            return True  # Flink has removed it meanwhile
        except checkpoints.Unreadable as reason:
            self._told.say(message=f"checkpoint {one.number} cannot be judged: {reason}")
            return True
        said = self._known.judge(stood)
        if said is boundaries.Not.UNSEEN:
            self._help()
            return False
        self._judged, self._unseen = one.number, time.monotonic()
        if isinstance(said, boundaries.Cut):
            self._record(one.number, stood, said)
        return True

    def _help(self) -> None:
        """A transaction whose END counts more than there is must not hold us up for ever."""
        if time.monotonic() - self._unseen > STUCK:
            self._known.give_up_counting(self._topics.fence())
            self._unseen = time.monotonic()

    def _record(self, number: int, stood: boundaries.Between, cut: boundaries.Cut) -> None:
        wanted = {n: p for n, p in catalog.pointers(self._conn).items() if n in self._job.tables}
        try:
            tables = points.at_checkpoint(self._store, wanted, number)
        except (points.Gone, FileNotFoundError) as reason:
            self._told.say(message=f"checkpoint {number} came too late to be recorded: {reason}")
            return
        position = flow.Position("postgres", self._identity, cut.lsn)
        facts = catalog.CommitFacts(
            position,
            newest_ms=max(cut.times, default=None),
            oldest_ms=min(cut.times, default=None),
            changes=sum(cut.changes.values()),
            state={"checkpoint": number, "ends": cut.ends, "offsets": _as_json(stood.least)},
        )
        order = catalog.Swap(self._job.name, self._epoch, uuid4(), facts, (), tables)
        identity = catalog.swap(self._conn, order, lambda: None)
        catalog.prune(self._conn, self._job.name, metadata.Keep().commits)
        self._known.taken()
        self._since = time.monotonic()
        self._tell(identity, position.text, cut)

    def _tell(self, identity: int, position: str, cut: boundaries.Cut) -> None:
        now = time.time_ns() // 1_000_000
        self._told.hop(HOP, (float(now - at) for at in cut.times))
        before = self._told.status
        total = before.changes + sum(cut.changes.values())
        self._told.say(
            state="running",
            healthy=True,
            message=f"commit {identity}: the source at {position}",
            position=position,
            changes=total,
            commits=before.commits + 1,
        )


def _identity(job: native.RecordJob) -> flow.Identity:
    link = session.Session(job.source.connection, Path(str(job.secrets)))
    try:
        return peek.identity(link)
    finally:
        link.close()


def _begin(last: catalog.CommitRow | None, ends: str) -> dict[boundaries.Partition, int]:
    """Where reading goes on: behind what the last commit holds; empty at the very beginning."""
    if last is None or last.state is None:
        return {}
    found = {
        (topic, int(number)): int(offset)
        for topic, offsets in last.state["offsets"].items()
        for number, offset in offsets.items()
    }
    return {**found, (ends, 0): int(last.state["ends"])}


def _as_json(offsets: boundaries.Offsets) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (topic, number), offset in offsets.items():
        found.setdefault(topic, {})[str(number)] = offset
    return found
