"""What the flow map shows: the places a row passes, column by column, as words and tones.

Which places there are follows from what was observed; ``flowmap`` gives them their geometry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tidewright.console import figures, tones
from tidewright.model import observed, views

Facts: TypeAlias = tuple[tuple[str, str], ...]
# Stages that bring rows in stand before the capture, the others work on what has landed.
FIRST = ("pull", "receive", "load", "ingest")


@dataclass(frozen=True, slots=True)
class Place:
    """One place. ``facts`` fill the details that open on a click or Enter."""

    id: str
    title: str
    state: str
    tone: str
    lines: tuple[str, ...]
    facts: Facts = ()


Columns: TypeAlias = tuple[tuple[Place, ...], ...]


def columns(seen: views.Observation) -> Columns:
    """The places from left to right; two in a column lie above each other."""
    return tuple(_columns(seen))


def rate_of(seen: views.Observation) -> float | None:
    """Rows per second where they come in. A change also lands in raw; it counts once."""
    rates = [d.rate for m in seen.movers.values() if m.stage in FIRST for d in m.datasets]
    if seen.capture is not None:  # that of topics has raw tables alone, and counts nothing again
        rates += [d.rate for d in _of(seen.capture, raw=False)]
    return sum(rates) if rates else None


def _columns(seen: views.Observation) -> Iterator[tuple[Place, ...]]:
    first = [(n, m) for n, m in seen.movers.items() if m.stage in FIRST]
    if seen.workloads or not first:
        yield (_source(seen),)
    for name, mover in first:
        yield (_mover(name, mover),)
    if seen.capture is not None or not first:
        yield (_capture(seen.capture),)
        yield _lake(seen.capture)
    for name, mover in seen.movers.items():
        if mover.stage not in FIRST:
            yield (_mover(name, mover),)
    if seen.refresh is not None or not seen.movers:
        yield (_models(seen.refresh),)
        yield (_checks(seen.refresh),)
        yield (_marts(seen),)


def _lake(capture: observed.CaptureStatus | None) -> tuple[Place, ...]:
    raw = _tables("raw", "Raw history", capture)
    if capture and capture.datasets and not _of(capture, raw=False):
        return (raw,)
    return (_tables("current", "Current state", capture), raw)


def _mover(name: str, mover: observed.MoverStatus) -> Place:
    """A stage and the datasets that it fills."""
    state = mover.state if mover.healthy or mover.state != "running" else "unhealthy"
    halted = any(d.state == "stopped" for d in mover.datasets)
    tone = tones.worst((state, "stopped")) if halted else tones.of(state)
    lines = [f"{figures.count(sum(d.rows for d in mover.datasets))} rows"]
    lines += [f"{figures.count(count)} {what}" for what, count in list(mover.counters.items())[:1]]
    facts = [("Says", mover.message), ("Position", mover.position or figures.NONE)]
    facts += [(what.capitalize(), figures.count(n)) for what, n in mover.counters.items()]
    facts += [
        (d.dataset, f"{figures.count(d.rows)} rows, {figures.rate(d.rate)}, {d.state}")
        for d in mover.datasets
    ]
    facts.append(("Process", str(mover.pid)))
    return Place(name, mover.stage.capitalize(), state, tone, tuple(lines), tuple(facts))


def _source(seen: views.Observation) -> Place:
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
    return Place("source", title, state, tones.of(state), tuple(lines), tuple(facts))


def _sources(seen: views.Observation) -> tuple[str, ...]:
    services = seen.supervisor.services if seen.supervisor else ()
    return tuple(s.name.removeprefix("source-") for s in services if s.name.startswith("source-"))


def _capture(capture: observed.CaptureStatus | None) -> Place:
    if capture is None:
        return _absent("capture", "Capture")
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
    return Place("capture", "Capture", state, tones.of(state), lines, facts)


def _tables(kind: str, title: str, capture: observed.CaptureStatus | None) -> Place:
    found = _of(capture, raw=kind == "raw") if capture else ()
    if not found:
        return Place(kind, title, "waiting", tones.PLAIN, ("nothing yet",))
    tone = tones.worst(tuple(d.state for d in found))
    states = [d.state for d in found]
    state = next((s for s in ("stopped", "copying", "waiting") if s in states), "following")
    line = f"{figures.count(sum(d.rows for d in found))} rows"
    facts = tuple(
        (d.dataset, f"{figures.count(d.rows)} rows, {figures.rate(d.rate)}, {d.state}")
        for d in found
    )
    return Place(kind, title, state, tone, (line,), facts)


def _of(capture: observed.CaptureStatus, *, raw: bool) -> Sequence[observed.DatasetState]:
    """Datasets of one kind; raw tables are those in the namespace that shadows the others."""
    return [d for d in capture.datasets if d.dataset.startswith("raw_") == raw]


def _models(refresh: observed.RefreshStatus | None) -> Place:
    if refresh is None:
        return _absent("models", "Models")
    took = figures.delay(refresh.last_seconds * 1000 if refresh.last_seconds is not None else None)
    state = "running" if refresh.state == "degraded" else refresh.state
    lines = (f"{figures.count(refresh.refreshes)} refreshes", f"{took} the last")
    facts = (
        ("Says", refresh.message), ("Position", refresh.position or figures.NONE),
        ("Last refresh took", took), ("Refreshes", figures.count(refresh.refreshes)),
        ("Process", str(refresh.pid)),
    )  # fmt: skip
    return Place("models", "Models", state, tones.of(state), lines, facts)


def _checks(refresh: observed.RefreshStatus | None) -> Place:
    checks = refresh.checks if refresh else ()
    if not checks:
        return _absent("checks", "Checks")
    failing = [c for c in checks if not c.ok]
    state = "failing" if failing else "ok"
    held = "old marts kept" if failing else "nothing held back"
    lines = (f"{len(checks) - len(failing)} of {len(checks)} pass", held)
    facts = tuple(
        (c.name, "ok" if c.ok else c.message or f"{figures.count(c.failing)} rows are wrong")
        for c in checks
    )
    return Place("checks", "Checks", state, tones.of(state), lines, facts)


def _marts(seen: views.Observation) -> Place:
    marts = seen.refresh.marts if seen.refresh else ()
    if not marts:
        return _absent("marts", "Marts")
    newest = max((m.published_ms for m in marts if m.published_ms), default=None)
    lines = (f"{len(marts)} tables", f"published {figures.age(seen.at_ms, newest)}")
    facts = tuple(
        (m.name, f"{figures.count(m.rows)} rows, published {figures.clock(m.published_ms)} UTC")
        for m in marts
    )
    held = any(not c.ok for c in seen.refresh.checks) if seen.refresh else False
    state = "degraded" if held else "running"
    return Place("marts", "Marts", state, tones.of(state), lines, facts)


def _pair(found: observed.Percentiles) -> str:
    return f"p50 {figures.delay(found.p50)} · p95 {figures.delay(found.p95)}"


def _absent(name: str, title: str) -> Place:
    return Place(name, title, "waiting", tones.PLAIN, ("nothing yet",))
