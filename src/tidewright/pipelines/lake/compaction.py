"""Fewer and fuller files, made beside the commits: what to rewrite, and the rewriting.

``choose`` decides (pure), ``rewrite`` reads and writes in a background thread and registers
nothing. The owner of a table (``current``, ``raw``) joins the result between two commits: rows
that died meanwhile are carried over, and a result whose inputs changed is dropped.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from pyiceberg.schema import Schema

from tidewright.pipelines.lake.files import LiveFile
from tidewright.pipelines.lake.keyindex import I64, Mask

T = TypeVar("T")

# A part of a rewritten file, and so a row group of it, holds about this much.
_PART_ROWS = 131_072
_PART_BYTES = 32 << 20


class Files(Protocol):
    """What a table must offer to be compacted; ``table.Table`` is the real one."""

    @property
    def name(self) -> str: ...
    @property
    def schema(self) -> Schema: ...
    @property
    def data_files(self) -> Mapping[int, LiveFile]: ...
    @property
    def delete_files(self) -> Mapping[int, LiveFile]: ...
    def add_rows(self, rows: pa.Table) -> LiveFile: ...
    def write(self, rows: pa.Table | Iterable[pa.Table]) -> LiveFile: ...
    def set_deletes(self, new: Mapping[int, np.ndarray]) -> None: ...
    def replace(
        self,
        removed: Sequence[int],
        added: Sequence[LiveFile],
        all_deletes: Mapping[int, np.ndarray] | None = None,
    ) -> list[LiveFile]: ...
    def remove(self, removed: Sequence[int]) -> None: ...
    def read(self, number: int, names: Sequence[str]) -> pa.Table: ...
    def read_parts(self, number: int, names: Sequence[str]) -> Iterator[pa.Table]: ...
    def take(self, number: int, rows: np.ndarray, names: Sequence[str]) -> pa.Table: ...
    def read_deletes(self) -> Mapping[int, np.ndarray]: ...


# -- deciding -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as the policy sees it."""

    number: int
    rows: int
    dead: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Sizes are in shares of a full file (``rows`` rows or ``bytes`` bytes, whichever is reached).

    ``tiers``: upper bounds; ``fan``: files of one tier that become one; ``most``: size of what
    is merged at once; ``dead``: share of dead rows above which a file is rewritten by itself;
    ``delete_files``: live delete files above which all position deletes become one file.
    """

    rows: int
    bytes: int
    tiers: tuple[float, ...]
    fan: int
    most: float
    dead: float
    delete_files: int

    def whole(self, file: Seen) -> float:
        return max(file.rows / self.rows, file.bytes / self.bytes)

    def size(self, file: Seen) -> float:
        """The size of what lives in the file."""
        return self.whole(file) * (file.rows - file.dead) / file.rows


# A merged file of the current state has half a million rows or 16 MB at least, so that one
# rewrite stays around a second; larger files gain readers nothing.
CURRENT = Policy(1_000_000, 32 << 20, (1 / 64, 1 / 8, 1 / 2), 12, 1.5, 0.1, 8)
# Raw rows never die; by bytes alone, because a raw row is mostly one long text.
RAW = Policy(1 << 40, 128 << 20, (1 / 512, 1 / 32, 1 / 2), 16, 1.0, 1.0, 0)


def choose(files: Iterable[Seen], policy: Policy, after_single: bool = False) -> tuple[int, ...]:
    """The files to rewrite as one now, maybe none. Files without a living row always go along.

    A crowded tier and a file with many dead rows take turns, so that neither starves.
    """
    seen = list(files)
    empty = [f.number for f in seen if f.dead == f.rows]
    living = [f for f in seen if f.dead < f.rows]
    merged, single = _crowded(living, policy), _worst(living, policy)
    first, second = (merged, single) if after_single else (single, merged)
    return (*empty, *(first or second))


def _worst(files: Sequence[Seen], policy: Policy) -> tuple[int, ...]:
    """The file with most dead rows, of those that are not small and have too many."""
    small = policy.tiers[1]
    worn = [f for f in files if f.dead > policy.dead * f.rows and policy.whole(f) >= small]
    return (max(worn, key=lambda f: f.dead).number,) if worn else ()


def _crowded(files: Sequence[Seen], policy: Policy) -> tuple[int, ...]:
    """The files of the lowest tier that has ``fan`` of them, as many as fit, oldest first."""
    lower = 0.0
    for upper in policy.tiers:
        tier = [f for f in files if lower <= policy.size(f) < upper]
        if len(tier) >= policy.fan:
            total = itertools.accumulate(policy.size(f) for f in tier)
            return tuple(f.number for f, t in zip(tier, total, strict=True) if t <= policy.most)
        lower = upper
    return ()


# -- rewriting, in the background thread ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The new file, not yet registered (None: no row lived), and where each old row went.

    ``rows[file][row]``: the row of the new file, for every row in ``alive``.
    """

    file: LiveFile | None
    alive: Mapping[int, Mask]
    rows: Mapping[int, I64]


def rewrite(table: Files, alive: Mapping[int, Mask]) -> Rewritten:
    """One file with the living rows of these files, in order. Registers nothing."""
    names = [field.name for field in table.schema.fields]
    rows, total = {}, 0
    for number, living in alive.items():
        rows[number] = np.cumsum(living) + (total - 1)
        total += int(np.count_nonzero(living))
    parts = _gathered(_living(table, alive, names))
    file = table.write(parts) if total else None
    return Rewritten(file, alive, rows)


def _living(table: Files, alive: Mapping[int, Mask], names: Sequence[str]) -> Iterator[pa.Table]:
    for number, living in alive.items():
        at = 0
        for part in table.read_parts(number, names):
            keep = living[at : at + part.num_rows]
            at += part.num_rows
            if keep.any():
                yield part if keep.all() else part.filter(pa.array(keep))


def _gathered(parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Small parts put together, so that small inputs do not become small row groups."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        enough = sum(p.num_rows for p in waiting) >= _PART_ROWS
        if enough or sum(p.nbytes for p in waiting) >= _PART_BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


# -- the thread -----------------------------------------------------------------------------


class Job(Generic[T]):
    """One piece of background work. ``done`` turns true when ``result`` will not wait."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: T | None = None
        self._failed: Exception | None = None
        self.done = False

    def run(self) -> None:
        """Do the work; a failure is kept for ``result``, as it belongs to whoever joins."""
        try:
            self._result = self._work()
        except Exception as failure:
            self._failed = failure
        finally:
            self.done = True

    def result(self) -> T:
        if self._failed is not None:
            raise self._failed
        assert self._result is not None
        return self._result


@dataclass(frozen=True, slots=True)
class Started(Generic[T]):
    """A job and what it holds only for: these files being live, and this schema."""

    job: Job[T]
    files: frozenset[int]
    schema_id: int

    def still_holds(self, table: Files) -> bool:
        """Whether the result may be used. A rename in between would lose a column's values."""
        same = self.schema_id == table.schema.schema_id
        return same and self.files <= table.data_files.keys()


class Background:
    """One thread for all tables of a process: the next work is taken when it is idle.

    The thread is a daemon: a stop does not wait for it, since what it writes is registered
    by a later commit or never.
    """

    def __init__(self) -> None:
        self._running: Job[Any] | None = None

    def start(
        self, table: Files, chosen: Iterable[int], work: Callable[[], T]
    ) -> Started[T] | None:
        """Start ``work`` on these files if nothing runs; None when something does."""
        if self._running is not None and not self._running.done:
            return None
        job = Job(work)
        self._running = job
        started = Started(job, frozenset(chosen), table.schema.schema_id)
        self._launch(job)
        return started

    def _launch(self, job: Job[Any]) -> None:
        threading.Thread(target=job.run, name="compaction", daemon=True).start()


SHARED = Background()
