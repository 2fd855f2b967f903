"""The flow map: seven places a row passes, what is between them, and how long each stretch takes.

Pure geometry and text; ``templates/map.svg`` prints it. A hop is drawn as a dimension line below
the places it spans, because freshness belongs to a stretch and not to one arrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidewright.console import figures, tones
from tidewright.model import observed, views

LAKE_HOP, MART_HOP = "source_to_lake", "source_to_marts"
WIDTH, HEIGHT = 1120, 150
NODE, TALL, SMALL = 148, 120, 56
TOP, MIDDLE = 8, 68
_STEP = (WIDTH - NODE) / 5
_COLUMN = {"source": 0, "capture": 1, "lake": 2, "models": 3, "checks": 4, "marts": 5}
Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One place. ``facts`` fill the details that open on a click or Enter."""

    id: str
    title: str
    state: str
    tone: str
    lines: tuple[str, ...]
    facts: Facts
    x: float
    y: float = TOP
    height: float = TALL
    width: float = NODE


@dataclass(frozen=True, slots=True)
class Arrow:
    """A connection with a short text above it."""

    id: str
    x1: float
    x2: float
    y: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """A measured stretch, drawn as a dimension line."""

    id: str
    x1: float
    x2: float
    y: float
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Map:
    """The whole drawing."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    hops: tuple[Hop, ...]
    width: int
    height: int


def draw(seen: views.Observation) -> Map:
    """The map of one moment."""
    hops = tuple(_hops(seen))
    height = HEIGHT + 36 * len({hop.y for hop in hops})
    return Map(tuple(_nodes(seen)), tuple(_arrows(seen)), hops, WIDTH, height)


def rate_of(seen: views.Observation) -> float | None:
    """Changes per second into current state. A change also lands in raw; it counts once."""
    if seen.capture is None:
        return None
    return sum(d.rate for d in _of(seen.capture, raw=False))


def _nodes(seen: views.Observation) -> Iterator[Node]:
    yield _source(seen)
    yield _capture(seen.capture)
    yield _tables("current", "Current state", seen.capture, y=TOP)
    yield _tables("raw", "Raw history", seen.capture, y=TOP + TALL - SMALL)
    yield _models(seen.refresh)
    yield _checks(seen.refresh)
    yield _marts(seen)


def _source(seen: views.Observation) -> Node:
    names = tuple(seen.workloads) or _sources(seen)
    workload = next(iter(seen.workloads.values()), None)
    lines = [figures.rate(workload.rate) + " written" if workload else "your database"]
    capture = seen.capture
    if capture and capture.wal_kept_bytes is not None:
        lines.append(f"{figures.size(capture.wal_kept_bytes)} WAL kept")
    healthy = workload is None or workload.healthy
    state = "running" if healthy else "unhealthy"
    facts = [("Database", ", ".join(names) or figures.NONE)]
    if workload:
        facts += [("Workload", workload.message), ("Changes made", figures.count(workload.changes))]
    if capture:
        facts += [("WAL kept", figures.size(capture.wal_kept_bytes))]
        facts += [("WAL kept at most", figures.size(capture.wal_cap_bytes))]
    title = names[0] if names else "Source"
    return Node("source", title, state, tones.of(state), tuple(lines), tuple(facts), _x(0))


def _sources(seen: views.Observation) -> tuple[str, ...]:
    services = seen.supervisor.services if seen.supervisor else ()
    return tuple(s.name.removeprefix("source-") for s in services if s.name.startswith("source-"))


def _capture(capture: observed.CaptureStatus | None) -> Node:
    if capture is None:
        return _absent("capture", "Capture", 1)
    state = capture.state if capture.healthy or capture.state != "running" else "unhealthy"
    lines = (
        f"{figures.size(capture.lag_bytes)} behind",
        f"{figures.count(capture.commits)} commits",
    )
    commit = capture.commit_ms
    facts = (
        ("Says", capture.message), ("Position", capture.position or figures.NONE),
        ("Behind the source", figures.size(capture.lag_bytes)),
        ("Changes", figures.count(capture.changes)), ("Commits", figures.count(capture.commits)),
        ("Commit p50 / p95", _pair(commit) if commit else figures.NONE),
        ("Process", str(capture.pid)),
    )  # fmt: skip
    return Node("capture", "Capture", state, tones.of(state), lines, facts, _x(1))


def _tables(kind: str, title: str, capture: observed.CaptureStatus | None, y: float) -> Node:
    found = _of(capture, raw=kind == "raw") if capture else ()
    if not found:
        return Node(kind, title, "waiting", tones.PLAIN, ("nothing yet",), (), _x(2), y, SMALL)
    tone = tones.worst(tuple(d.state for d in found))
    states = [d.state for d in found]
    state = next((s for s in ("stopped", "copying", "waiting") if s in states), "following")
    line = f"{figures.count(sum(d.rows for d in found))} rows"
    facts = tuple(
        (d.dataset, f"{figures.count(d.rows)} rows, {figures.rate(d.rate)}, {d.state}")
        for d in found
    )
    return Node(kind, title, state, tone, (line,), facts, _x(2), y, SMALL)


def _of(capture: observed.CaptureStatus, *, raw: bool) -> Sequence[observed.DatasetState]:
    """Datasets of one kind; raw tables are those in the namespace that shadows the others."""
    return [d for d in capture.datasets if d.dataset.startswith("raw_") == raw]


def _models(refresh: observed.RefreshStatus | None) -> Node:
    if refresh is None:
        return _absent("models", "Models", 3)
    took = figures.delay(refresh.last_seconds * 1000 if refresh.last_seconds is not None else None)
    state = "running" if refresh.state == "degraded" else refresh.state
    lines = (f"{figures.count(refresh.refreshes)} refreshes", f"{took} the last")
    facts = (
        ("Says", refresh.message), ("Position", refresh.position or figures.NONE),
        ("Last refresh took", took), ("Refreshes", figures.count(refresh.refreshes)),
        ("Process", str(refresh.pid)),
    )  # fmt: skip
    return Node("models", "Models", state, tones.of(state), lines, facts, _x(3))


def _checks(refresh: observed.RefreshStatus | None) -> Node:
    checks = refresh.checks if refresh else ()
    if not checks:
        return _absent("checks", "Checks", 4)
    failing = [c for c in checks if not c.ok]
    state = "failing" if failing else "ok"
    held = "old marts kept" if failing else "nothing held back"
    lines = (f"{len(checks) - len(failing)} of {len(checks)} pass", held)
    facts = tuple(
        (c.name, "ok" if c.ok else c.message or f"{figures.count(c.failing)} rows are wrong")
        for c in checks
    )
    return Node("checks", "Checks", state, tones.of(state), lines, facts, _x(4))


def _marts(seen: views.Observation) -> Node:
    marts = seen.refresh.marts if seen.refresh else ()
    if not marts:
        return _absent("marts", "Marts", 5)
    newest = max((m.published_ms for m in marts if m.published_ms), default=None)
    lines = (f"{len(marts)} tables", f"published {figures.age(seen.at_ms, newest)}")
    facts = tuple(
        (m.name, f"{figures.count(m.rows)} rows, published {figures.clock(m.published_ms)} UTC")
        for m in marts
    )
    held = any(not c.ok for c in seen.refresh.checks) if seen.refresh else False
    state = "degraded" if held else "running"
    return Node("marts", "Marts", state, tones.of(state), lines, facts, _x(5))


def _absent(name: str, title: str, column: int) -> Node:
    return Node(name, title, "waiting", tones.PLAIN, ("nothing yet",), (), _x(column))


def _arrows(seen: views.Observation) -> Iterator[Arrow]:
    upper, lower = TOP + SMALL / 2, TOP + TALL - SMALL / 2
    flow = figures.rate(rate_of(seen)) if seen.capture else ""
    yield Arrow("source-capture", _x(0) + NODE, _x(1), MIDDLE, flow)
    yield Arrow("capture-current", _x(1) + NODE, _x(2), upper)
    yield Arrow("capture-raw", _x(1) + NODE, _x(2), lower)
    yield Arrow("lake-models", _x(2) + NODE, _x(3), upper)
    yield Arrow("models-checks", _x(3) + NODE, _x(4), MIDDLE)
    yield Arrow("checks-marts", _x(4) + NODE, _x(5), MIDDLE)


def _hops(seen: views.Observation) -> Iterator[Hop]:
    """Known hops, the shortest nearest to the map."""
    rows = sorted(seen.hops.items(), key=lambda hop: _span(hop[0])[1] - _span(hop[0])[0])
    right, level = -1.0, 0
    for name, found in rows[:4]:
        start, end = _span(name)
        x1, x2 = (
            _x(start) + (NODE / 2 if start else 8),
            _x(end) + (NODE / 2 if end < 5 else NODE - 8),
        )
        level += int(x1 < right)
        right = max(right, x2) if x1 >= right else x2
        yield Hop(f"hop-{name}", x1, x2, 158 + 36 * level, name.replace("_", " "), _pair(found))


def _span(name: str) -> tuple[int, int]:
    start, _, end = name.partition("_to_")
    return _COLUMN.get(start, 0), _COLUMN.get(end, 5)


def _pair(found: observed.Percentiles) -> str:
    return f"p50 {figures.delay(found.p50)} · p95 {figures.delay(found.p95)}"


def _x(column: int) -> float:
    return column * _STEP
