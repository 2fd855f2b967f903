"""Events by key, cut into sessions where a key was silent for longer than a gap. Pure.

An event is taken when it is not older than the watermark before it: the latest event time seen so
far, less the allowed lateness. What is older is set aside. A session is closed when no event that
could still be taken would reach it, so a closed session never changes. The outcome depends on the
order of the log alone, not on how it was cut into batches: ``plain`` is the oracle of that.

Times are microseconds since 1970, offsets the numbers that the topic gave its events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# The largest event time seen before there was any.
NEVER = -(2**62)
_FIXED = ("key", "start", "end", "events", "first", "head", "tail")


@dataclass(frozen=True, slots=True)
class Rules:
    """``gap``: silence that ends a session; ``late``: how far behind events may come (µs).

    ``opening`` and ``closing``: columns of the events of which a session keeps the value of its
    first and of its last event.
    """

    gap: int
    late: int
    opening: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """Open sessions, and the largest event time seen. Columns: see ``schema``."""

    seen: int
    open: pa.Table


@dataclass(frozen=True, slots=True)
class Step:
    """What one batch made of a state. ``late``: which of the batch's rows were set aside."""

    state: State
    closed: pa.Table
    late: np.ndarray


def schema(rules: Rules) -> pa.Schema:
    """The columns of sessions: key, first and last event time, number of events, lowest offset
    (the session's name), the offsets of its first and last event in time, and the values kept.
    """
    kept = [pa.field(f"first_{n}", pa.string()) for n in rules.opening]
    kept += [pa.field(f"last_{n}", pa.string()) for n in rules.closing]
    numbers = [pa.field(n, pa.int64(), nullable=False) for n in _FIXED[1:]]
    return pa.schema([pa.field("key", pa.string(), nullable=False), *numbers, *kept])


def empty(rules: Rules) -> State:
    """Before the first event."""
    return State(NEVER, schema(rules).empty_table())


def advance(state: State, batch: pa.Table, rules: Rules) -> Step:
    """Take events in the log's order: columns ``key``, ``time``, ``offset`` and those kept.

    ``key`` and ``time`` are not null; the caller sets such events aside.
    """
    times = _ints(batch.column("time"))
    seen = np.maximum.accumulate(np.concatenate(([state.seen], times)))
    late = times < seen[:-1] - rules.late
    taken = batch.filter(pa.array(~late)) if late.any() else batch
    kept, touched = _split(state.open, taken.column("key"))
    fresh = _as_sessions(taken, rules)
    merged = merge(pa.concat_tables([touched, fresh]), rules.gap)
    every = pa.concat_tables([kept, merged])
    over = _ints(every.column("end")) + rules.gap < int(seen[-1]) - rules.late
    mask = pa.array(over)
    still = every.filter(pc.invert(mask)).combine_chunks()
    return Step(State(int(seen[-1]), still), every.filter(mask), late)


def merge(rows: pa.Table, gap: int) -> pa.Table:
    """Sessions of which no two of a key are within ``gap``, from any that may overlap."""
    if rows.num_rows == 0:
        return rows
    keys = rows.column("key").combine_chunks().dictionary_encode()
    codes = np.asarray(keys.indices).astype(np.int64)
    starts, ends = _ints(rows.column("start")), _ints(rows.column("end"))
    order = np.lexsort((_ints(rows.column("head")), starts, codes))
    begins = _begins(codes[order], starts[order], ends[order], gap)
    heads = np.flatnonzero(begins)
    tails = _tails(begins, ends[order], _ints(rows.column("tail"))[order])
    first = rows.take(pa.array(order[heads]))
    last = rows.take(pa.array(order[tails]))
    sums = np.add.reduceat(_ints(rows.column("events"))[order], heads)
    numbers = {
        "events": sums,
        "first": np.minimum.reduceat(_ints(rows.column("first"))[order], heads),
    }
    columns = [_pick(name, first, last, numbers) for name in rows.schema.names]
    return pa.Table.from_arrays(columns, schema=rows.schema)


def plain(events: Sequence[tuple[str, int, int]], rules: Rules) -> tuple[dict[int, int], set[int]]:
    """The oracle: offset of each taken event to its session's first offset, and the late ones.

    ``events``: (key, time, offset) in the log's order.
    """
    seen, late = NEVER, set()
    by_key: dict[str, list[tuple[int, int]]] = {}
    for key, time, offset in events:
        if time < seen - rules.late:
            late.add(offset)
        else:
            by_key.setdefault(key, []).append((time, offset))
        seen = max(seen, time)
    found: dict[int, int] = {}
    for mine in by_key.values():
        group: list[tuple[int, int]] = []
        for event in sorted(mine):
            if group and event[0] - group[-1][0] > rules.gap:
                found |= _named(group)
                group = []
            group.append(event)
        found |= _named(group)
    return found, late


def _named(group: list[tuple[int, int]]) -> dict[int, int]:
    name = min(offset for _, offset in group)
    return {offset: name for _, offset in group}


def _begins(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, gap: int) -> np.ndarray:
    """Where a new session begins, in rows sorted by key and start."""
    low = int(starts.min())
    span = int(ends.max()) - low + gap + 2
    # One running maximum for all keys: each key's times lie above those of the key before it.
    reach = np.maximum.accumulate(ends - low + codes * span)
    apart = starts[1:] - low + codes[1:] * span > reach[:-1] + gap
    return np.concatenate(([True], apart | (codes[1:] != codes[:-1])))


def _tails(begins: np.ndarray, ends: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """The row of each session that ends last."""
    groups = np.cumsum(begins)
    order = np.lexsort((tails, ends, groups))
    return np.asarray(order[np.append(np.flatnonzero(begins)[1:] - 1, len(order) - 1)])


def _pick(name: str, first: pa.Table, last: pa.Table, numbers: dict[str, np.ndarray]) -> pa.Array:
    if name in numbers:
        return pa.array(numbers[name])
    of_last = name in ("end", "tail") or name.startswith("last_")
    return (last if of_last else first).column(name).combine_chunks()


def _split(sessions: pa.Table, keys: pa.ChunkedArray) -> tuple[pa.Table, pa.Table]:
    """Sessions of other keys, and of these."""
    if sessions.num_rows == 0:
        return sessions, sessions
    mine = pc.is_in(sessions.column("key"), value_set=pc.unique(keys))
    return sessions.filter(pc.invert(mine)), sessions.filter(mine)


def _as_sessions(events: pa.Table, rules: Rules) -> pa.Table:
    """Each event as a session of its own."""
    time, offset = events.column("time"), events.column("offset")
    ones = pa.array(np.ones(events.num_rows, np.int64))
    columns = [events.column("key"), time, time, ones, offset, offset, offset]
    columns += [events.column(n) for n in (*rules.opening, *rules.closing)]
    return pa.Table.from_arrays(columns, schema=schema(rules))


def _ints(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_numpy())
