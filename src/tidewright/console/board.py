"""From what was observed to what is shown: pure, no I/O, no clock but the observation's own.

``build`` makes the whole board; ``flowmap`` draws its map and ``drawings`` its charts. Words for
states live here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidewright.console import drawings, figures, flowmap, places, tones
from tidewright.model import observed, views

STALE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure at the top of the page, with its last minutes as a line."""

    name: str
    value: str
    detail: str
    line: drawings.Line | None = None
    tone: str = tones.PLAIN


@dataclass(frozen=True, slots=True)
class MartCard:
    """One mart with its chart; ``chart`` is None while there is nothing to draw."""

    name: str
    rows: str
    published: str
    chart: drawings.Chart | None


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the page, already as text."""

    state: str
    tone: str
    problems: tuple[str, ...]
    updated: str
    tiles: tuple[Tile, ...]
    map: flowmap.Map
    services: tuple[observed.ServiceState, ...]
    datasets: tuple[observed.DatasetState, ...]
    checks: tuple[observed.CheckState, ...]
    marts: tuple[MartCard, ...]
    commits: tuple[views.CommitLine, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Trail:
    """The last minutes of three figures, oldest first, one point a second."""

    rate: Sequence[float] = ()
    lake_ms: Sequence[float] = ()
    mart_ms: Sequence[float] = ()


def build(seen: views.Observation, history: views.History, trail: Trail) -> Board:
    """The board of one moment."""
    problems = tuple(_problems(seen))
    state = state_of(seen, problems)
    return Board(
        state=state,
        tone=tones.of(state),
        problems=problems,
        updated=figures.clock(seen.at_ms),
        tiles=tuple(_tiles(seen, trail)),
        map=flowmap.draw(seen),
        services=seen.supervisor.services if seen.supervisor else (),
        datasets=seen.datasets,
        checks=_failing_first(seen.refresh.checks if seen.refresh else ()),
        marts=tuple(_marts(seen, history.samples)),
        commits=history.commits,
        message=history.message,
    )


def state_of(seen: views.Observation, problems: Sequence[str]) -> str:
    """``stopped``, ``starting``, ``degraded`` or ``running``."""
    supervisor = seen.supervisor
    if supervisor is None or supervisor.state == "stopped" or _stale(seen, supervisor.at_ms):
        return "stopped"
    if problems:
        return "degraded"
    return "starting" if supervisor.state == "starting" else "running"


def trail_point(seen: views.Observation) -> tuple[float | None, float | None, float | None]:
    """The three figures of a moment: rate, and p95 of the lake and of the marts."""
    lake, mart = seen.hops.get(flowmap.LAKE_HOP), seen.hops.get(flowmap.MART_HOP)
    return places.rate_of(seen), lake.p95 if lake else None, mart.p95 if mart else None


def _problems(seen: views.Observation) -> Iterator[str]:
    for service in seen.supervisor.services if seen.supervisor else ():
        if service.state in ("unhealthy", "backoff", "failed"):
            yield f"service {service.name} is {service.state}: {service.message or 'no message'}"
    if seen.capture:
        yield from _capture_problems(seen, seen.capture)
    for name, mover in seen.movers.items():
        yield from _mover_problems(seen, name, mover)
    if seen.refresh:
        yield from _refresh_problems(seen, seen.refresh)


def _capture_problems(seen: views.Observation, capture: observed.CaptureStatus) -> Iterator[str]:
    if _stale(seen, capture.at_ms):
        yield f"capture last spoke {figures.age(seen.at_ms, capture.at_ms)}"
    elif not capture.healthy:
        yield f"capture: {capture.message}"
    yield from _halted(capture.datasets)


def _mover_problems(
    seen: views.Observation, service: str, mover: observed.MoverStatus
) -> Iterator[str]:
    if _stale(seen, mover.at_ms):
        yield f"{service} last spoke {figures.age(seen.at_ms, mover.at_ms)}"
    elif not mover.healthy or mover.state == "degraded":
        yield f"{service}: {mover.message}"
    yield from _halted(mover.datasets)


def _halted(datasets: Sequence[observed.DatasetState]) -> Iterator[str]:
    for dataset in datasets:
        if dataset.state == "stopped":
            yield f"{dataset.dataset} stopped: {dataset.message or 'no message'}"


def _refresh_problems(seen: views.Observation, refresh: observed.RefreshStatus) -> Iterator[str]:
    if _stale(seen, refresh.at_ms):
        yield f"refresh last spoke {figures.age(seen.at_ms, refresh.at_ms)}"
    failing = [check for check in refresh.checks if not check.ok]
    for check in failing:
        why = check.message or f"{figures.count(check.failing)} rows are wrong"
        yield f"check {check.name}: {why}; the last good marts are kept"
    if not failing and (refresh.state == "degraded" or not refresh.healthy):
        yield f"refresh: {refresh.message}"


def _stale(seen: views.Observation, at_ms: int) -> bool:
    return seen.at_ms - at_ms > STALE_MS


def _tiles(seen: views.Observation, trail: Trail) -> Iterator[Tile]:
    yield _freshness("Lake freshness", seen.hops, flowmap.LAKE_HOP, trail.lake_ms)
    yield _freshness("Marts freshness", seen.hops, flowmap.MART_HOP, trail.mart_ms)
    capture = seen.capture
    total = f"{figures.count(capture.changes)} in all" if capture else "nothing yet"
    line = drawings.line(trail.rate)
    yield Tile("Changes", figures.rate(places.rate_of(seen)), total, line)
    kept = f"{figures.size(capture.wal_kept_bytes)} WAL kept" if capture else "nothing yet"
    yield Tile("Lag", figures.size(capture.lag_bytes if capture else None), kept)
    commit = capture.commit_ms if capture else None
    took = f"{figures.delay(commit.p95)} each (p95)" if commit else "nothing yet"
    yield Tile("Commits", figures.count(capture.commits if capture else None), took)


def _freshness(
    name: str, hops: Mapping[str, observed.Percentiles], hop: str, trail: Sequence[float]
) -> Tile:
    found = hops.get(hop)
    detail = f"p95 · median {figures.delay(found.p50)}" if found else "nothing measured yet"
    return Tile(name, figures.delay(found.p95 if found else None), detail, drawings.line(trail))


def _failing_first(checks: Sequence[observed.CheckState]) -> tuple[observed.CheckState, ...]:
    return tuple(sorted(checks, key=lambda check: check.ok))


def _marts(seen: views.Observation, samples: Sequence[views.MartSample]) -> Iterator[MartCard]:
    charts = {sample.name: drawings.chart(sample.answer, sample.title) for sample in samples}
    for mart in seen.refresh.marts if seen.refresh else ():
        published = figures.age(seen.at_ms, mart.published_ms)
        yield MartCard(mart.name, _rows(mart.rows), published, charts.get(mart.name))
    for mover, table in _rolled(seen):
        name = table.dataset.rpartition(".")[2]
        kept = figures.age(seen.at_ms, mover.at_ms)
        yield MartCard(name, _rows(table.rows), kept, charts.get(name))


def _rows(count: int) -> str:
    return f"{figures.count(count)} {'row' if count == 1 else 'rows'}"


def marts(seen: views.Observation) -> tuple[str, ...]:
    """What has a card: the marts of the last refresh, and the tables that a rollup keeps."""
    published = seen.refresh.marts if seen.refresh else ()
    rolled = (table.dataset.rpartition(".")[2] for _, table in _rolled(seen))
    return (*(mart.name for mart in published), *rolled)


def _rolled(
    seen: views.Observation,
) -> Iterator[tuple[observed.MoverStatus, observed.DatasetState]]:
    for mover in seen.movers.values():
        if mover.stage == "rollup":
            yield from ((mover, table) for table in mover.datasets)
