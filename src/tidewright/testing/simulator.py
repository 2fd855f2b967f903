"""A seeded model of source, slot, lake and workers that drives the real core and breaks it.

One history is a seed: the same seed gives the same events and the same trace, byte for byte. After
every event the world is compared with an oracle (replay of the source's log). What is modelled:
writes, first copies, tables added later, poisoned tables, cuts, crashes, lost commit answers that
landed or not, sources that go away half-way, lost advances, and a second worker on the same lake.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tidewright.pipelines.core import acts, decide, learn, state

IDENTITY = "7/1/bank"
TABLES = ("a", "b", "c")
Rows = dict[int, int]


@dataclass(frozen=True, slots=True)
class Change:
    table: str
    key: int
    value: int | None


@dataclass(frozen=True, slots=True)
class Transaction:
    commit: int
    end: int
    changes: tuple[Change, ...]


@dataclass(slots=True)
class Source:
    """The database: its log, and how far the slot has let go."""

    log: list[Transaction] = field(default_factory=list)
    now: int = 100
    confirmed: int | None = None

    def write(self, changes: tuple[Change, ...]) -> None:
        self.log.append(Transaction(self.now, self.now + 10, changes))
        self.now += 10

    def at(self, position: int, table: str) -> Rows:
        """The table as a plain replay of everything that ``position`` includes."""
        rows: Rows = {}
        for change in self.changes(0, position, table):
            put(rows, change)
        return rows

    def changes(self, above: int, below: int, table: str) -> list[Change]:
        found = [t for t in self.log if above <= t.commit < below]
        return [c for t in found for c in t.changes if c.table == table]


def put(rows: Rows, change: Change) -> None:
    if change.value is None:
        rows.pop(change.key, None)
    else:
        rows[change.key] = change.value


@dataclass(slots=True)
class Lake:
    """What is committed, and who may commit. ``history``: each commit's position and tables."""

    epoch: int = 0
    position: int | None = None
    tables: dict[str, Rows] = field(default_factory=dict)
    raw: dict[str, list[Change]] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, tuple[str, int]] = field(default_factory=dict)


class Violation(AssertionError):
    """The promise broke; the message has the seed and the trace."""


@dataclass(slots=True)
class Odds:
    """Chances of each trouble per performed act, and whether anything may go wrong at all."""

    calm: bool = False

    def happens(self, rng: random.Random, chance: float) -> bool:
        return not self.calm and rng.random() < chance


class Worker:
    """Performs the core's acts on the model. Memory dies with it."""

    def __init__(self, world: World, wanted: tuple[str, ...]) -> None:
        self.world = world
        self.state = state.State(wanted)
        self.epoch = -1
        self.tables: dict[str, Rows] = {}
        self.raw: dict[str, list[Change]] = {}
        self.copies: dict[str, Rows] = {}
        self.copy_at = 0
        self.joined_at = 0
        self.doubtful_landed = False

    def step(self) -> str:
        """Decide, perform, learn; answers a line of the trace."""
        act = decide.decide(self.state)
        seen = self._perform(act)
        self.state = learn.learn(self.state, seen)
        if isinstance(act, acts.CutReached):
            self.state = learn.reached(self.state)
        return f"{act} -> {seen}"

    def _perform(self, act: acts.Act) -> acts.Outcome:
        match act:
            case acts.Open():
                return self._open()
            case acts.MakeSlot():
                return self._make_slot()
            case acts.StartCopy(tables):
                return self._copy(tables)
            case acts.Join(tables, at, position):
                return self._join(tables, at, position)
            case acts.Pull(above, below):
                return self._pull(above, below)
            case acts.Commit(position):
                return self._commit(position)
            case acts.ReadBack():
                return self._read_back()
            case acts.Reload():
                self._load()
                return acts.Reloaded(self.world.lake.position, *self._facts())
            case acts.Advance(position):
                return self._advance(position)
            case acts.CutReached(position):
                self.world.check_cut(position)
                return acts.Rested()
            case _:
                return self._rest()

    def _open(self) -> acts.Outcome:
        lake, source = self.world.lake, self.world.source
        lake.epoch += 1
        self.epoch = lake.epoch
        self._load()
        slot = None if source.confirmed is None else acts.Slot(source.confirmed)
        identity = None if lake.position is None else IDENTITY
        return acts.Opened(lake.position, identity, IDENTITY, slot, *self._facts())

    def _facts(self) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        lake = self.world.lake
        stopped = tuple(sorted((t, why) for t, (why, _) in lake.stopped.items()))
        return tuple(sorted(t for t in lake.tables if t not in lake.stopped)), stopped

    def _load(self) -> None:
        lake = self.world.lake
        self.tables = {t: dict(rows) for t, rows in lake.tables.items()}
        self.raw = {t: list(rows) for t, rows in lake.raw.items()}
        self.copies = {}

    def _make_slot(self) -> acts.Outcome:
        if self.world.source.confirmed is None:
            self.world.source.confirmed = self.world.source.now
        return acts.SlotMade(self.world.source.confirmed)

    def _copy(self, tables: tuple[str, ...]) -> acts.Outcome:
        self.copy_at = self.world.source.now
        self.copies = {t: self.world.source.at(self.copy_at, t) for t in tables}
        return acts.CopyStarted(tables)

    def _join(self, tables: tuple[str, ...], at: int, position: int) -> acts.Outcome:
        for table in tables:
            self.tables[table] = dict(self.copies[table])
            self.raw[table] = []
            for change in self.world.source.changes(at, position, table):
                self._apply(change)
        self.joined_at = at
        return acts.Joined(tables, position)

    def _pull(self, above: int, below: int | None) -> acts.Outcome:
        source = self.world.source
        mine = self.world.lake.epoch == self.epoch
        if source.confirmed is None or (mine and source.confirmed > above):
            raise Violation(f"the slot let go of {source.confirmed} and {above} is needed")
        limit = source.now if below is None else below
        ready = [t for t in source.log if source.confirmed <= t.commit < limit]
        batch = ready[: self.world.rng.randint(1, 4)]
        for number, transaction in enumerate(batch):
            if self.world.odds.happens(self.world.rng, 0.03) and number:
                return acts.PullFailed()
            trouble = self._stage(transaction, above)
            if trouble is not None:
                return trouble
        fresh = [t.end for t in batch if not decide.includes(above, t.commit)]
        return acts.Pulled(fresh[-1] if fresh else None, len(batch) == len(ready))

    def _stage(self, transaction: Transaction, above: int) -> acts.Outcome | None:
        if decide.includes(above, transaction.commit):
            return None
        for change in transaction.changes:
            if change.table not in self.state.following:
                continue
            if change.value == POISON:
                return self._stop(change.table)
            self._apply(change)
        return None

    def _stop(self, table: str) -> acts.Outcome:
        lake = self.world.lake
        if lake.epoch == self.epoch and lake.position is not None:
            lake.stopped[table] = ("poison", lake.position)
        return acts.TableStopped(table, "poison")

    def _apply(self, change: Change) -> None:
        put(self.tables[change.table], change)
        self.raw[change.table].append(change)

    def _commit(self, position: int) -> acts.Outcome:
        lake = self.world.lake
        if lake.epoch != self.epoch:
            return acts.Refused("lease")
        lost = self.world.odds.happens(self.world.rng, 0.15)
        self.doubtful_landed = not lost or self.world.rng.random() < 0.5
        if self.doubtful_landed:
            self._land(position)
        return acts.Unknown(position) if lost else acts.Done(position)

    def _land(self, position: int) -> None:
        lake = self.world.lake
        lake.position = position
        for table in self.state.following | self.state.joining:
            lake.tables[table] = dict(self.tables[table])
            lake.raw[table] = list(self.raw[table])
        for table in self.state.joining:
            lake.since[table] = self.joined_at

    def _read_back(self) -> acts.Outcome:
        if self.doubtful_landed:
            return acts.Landed(self.state.doubt or 0)
        return acts.Absent()

    def _advance(self, position: int) -> acts.Outcome:
        if self.world.odds.happens(self.world.rng, 0.1):
            return acts.Rested()
        source = self.world.source
        source.confirmed = max(source.confirmed or 0, position)
        return acts.Advanced(position)

    def _rest(self) -> acts.Outcome:
        if self.state.copying and self.world.rng.random() < 0.5:
            if self.world.odds.happens(self.world.rng, 0.2):
                return acts.CopyFailed(tuple(sorted(self.state.copying)))
            return acts.CopyFinished(tuple(sorted(self.state.copying)), self.copy_at)
        return acts.Rested()


POISON = 13


class World:
    """Source, lake and the workers of one history."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.odds = Odds()
        self.source = Source()
        self.lake = Lake()
        self.wanted: tuple[str, ...] = TABLES[:2]
        self.workers = [Worker(self, self.wanted)]
        self.trace: list[str] = []
        self.faults = 0

    def run(self, events: int = 200, faults: int = 3) -> str:
        """Live through a history of at least so many events and faults, then settle and compare."""
        while len(self.trace) < events or self.faults < faults:
            self._event()
            self.check()
        self._settle()
        return "\n".join(self.trace)

    def _event(self) -> None:
        roll = self.rng.random()
        if roll < 0.35:
            self._write()
        elif roll < 0.90:
            self._step(self.rng.choice(self.workers))
        elif roll < 0.94:
            self._crash()
        elif roll < 0.96:
            self._rival()
        elif roll < 0.97:
            self._more_tables()
        else:
            self._cut()

    def _write(self) -> None:
        count = self.rng.randint(1, 4)
        changes = tuple(
            Change(self.rng.choice(TABLES), self.rng.randint(1, 6), self._value())
            for _ in range(count)
        )
        self.source.write(changes)
        self.trace.append(f"write {changes}")

    def _value(self) -> int | None:
        roll = self.rng.random()
        if roll < 0.2:
            return None
        return POISON if roll < 0.202 and not self.odds.calm else self.rng.randint(100, 999)

    def _step(self, worker: Worker) -> None:
        before = worker.state.failure
        self.trace.append(f"worker {worker.epoch}: {worker.step()}")
        if before is None and worker.state.failure is not None:
            self._replace(worker)

    def _replace(self, worker: Worker) -> None:
        self.workers.remove(worker)
        if not self.workers:
            self.workers.append(Worker(self, self.wanted))

    def _crash(self) -> None:
        self.faults += 1
        victim = self.rng.choice(self.workers)
        self.trace.append(f"kill -9 worker {victim.epoch}")
        self._replace(victim)

    def _rival(self) -> None:
        if len(self.workers) < 2:
            self.faults += 1
            self.trace.append("a second worker starts")
            self.workers.append(Worker(self, self.wanted))

    def _more_tables(self) -> None:
        """The newest worker is told; one that is not the newest starts again."""
        self.wanted = TABLES
        worker = self.workers[-1]
        self.workers = [worker if worker.state.opened else Worker(self, self.wanted)]
        self.workers[0].state = learn.learn(self.workers[0].state, acts.Wanted(self.wanted))
        self.trace.append("the file now wants every table")

    def _cut(self) -> None:
        worker = self.rng.choice(self.workers)
        ask: acts.Outcome = acts.CutReleased() if worker.state.cut else acts.HoldAsked()
        if worker.state.cut and worker.state.cut.at is None and worker.state.staged is None:
            ask = acts.CutAsked(self.source.now)
        worker.state = learn.learn(worker.state, ask)
        self.trace.append(f"worker {worker.epoch}: {ask}")

    def check(self) -> None:
        """Every table equals the oracle at the position it stands at, and nothing was let go."""
        lake = self.lake
        for table, rows in lake.tables.items():
            at = lake.stopped.get(table, ("", lake.position or 0))[1]
            self._same(f"{table} at {at}", rows, self.source.at(at, table))
            since = lake.since[table]
            self._same(f"raw {table}", lake.raw[table], self.source.changes(since, at, table))
        if self.source.confirmed is not None and lake.position is not None:
            self._same("slot within the lake", self.source.confirmed <= lake.position, True)

    def check_cut(self, position: int) -> None:
        """Whoever is told of a cut must find the lake exactly there, unless fenced meanwhile."""
        if len(self.workers) == 1:
            self._same("cut", self.lake.position, position)

    def _same(self, what: str, got: object, want: object) -> None:
        if got != want:
            story = "\n".join(self.trace[-40:])
            raise Violation(f"seed {self.seed}: {what}: {got} is not {want}\n{story}")

    def _settle(self) -> None:
        """No more trouble: the newest worker alone must bring the lake to the end of the log."""
        self.odds.calm = True
        self.workers = [Worker(self, self.wanted)]
        for _ in range(40 + 4 * len(self.source.log)):
            self._step(self.workers[0])
        self.check()
        for table in self.wanted:
            if table not in self.lake.stopped:
                want = self.source.at(self.source.now, table)
                self._same(f"{table} at the end", self.lake.tables.get(table), want)
