"""The guides' own targets beside what is measured, for each platform, every answer checked.

Each platform is loaded with a stated amount of rows as fast as it takes them; then rows go on to
arrive at the pace of its file while questions are asked, dashboards refreshed and the catalog
called. ``verify`` ends it. What is asked, and how it is checked, is in ``guided``.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import flow, jobs
from tidewright.operations import (
    bench,
    connect,
    demo,
    init,
    lakeside,
    observing,
    probe,
    project,
    state,
    up,
)
from tidewright.operations.bench.guided import asking, crowd, fronts, lake, marts, pins, targets

# Events or rows a second that are asked for while loading, and the stage that is looked at.
LOADING: Mapping[str, tuple[float, str]] = {
    "bank-cdc": (5_000, "capture"),
    "branching-lakehouse": (5_000, "ingest"),
    "clickstream": (10_000, "sessions"),
    "elt-lakehouse": (2_000, "load"),
    "user-events": (5_000, "stream"),
}
LOAD_SECONDS = 180.0  # a slow machine stops here, and says how much there is
PUBLISH_SECONDS = 120.0
LAKE_TIMES = 10
ASKERS = 4
HELD = 100.0  # queries a second
BURST, DASHBOARDS, CALLS = 5.0, 5.0, 5.0  # seconds
END = ("source_to_marts", "topic_to_rollup")  # the last hop, by the kind of marts
_NEWER = "select 1 from marts.tidewright_publications where published_at > to_timestamp(%s)"


@dataclass(slots=True)
class Findings:
    """What one platform showed: figures by target, and what was checked for each."""

    measured: dict[str, float] = field(default_factory=dict)
    checked: dict[str, str] = field(default_factory=dict)
    everything: asking.Asked = field(default_factory=asking.Asked)
    rows: int = 0
    exact: bool = False
    problem: str = ""  # why it could not be measured to the end
    short: bool = False  # the askers themselves came to fewer queries than were to be held

    def note(self, target: str, figure: float, seen: asking.Asked) -> None:
        """Keep a figure, and how many answers stood behind it."""
        self.measured[target] = figure
        self.checked[target] = _told(seen)


def run(
    say: bench.Say, platforms: Sequence[str] = (), rows: int = 100_000, seconds: float = 20
) -> bench.Figures:
    """``rows`` loaded into each of these examples (none: all), then measured for ``seconds``."""
    lines: list[tuple[object, ...]] = []
    summary: dict[str, object] = {"measured": _machine()}
    for name in init.chosen(platforms, "bench guide"):
        found = _platform(name, say, rows, seconds)
        lines += targets.lines(name, found.measured, found.checked)
        summary |= _summary(name, found)
        for sentence in found.everything.wrong[:5]:
            say(f"{name}: wrong: {sentence}")
    words = "".join(f" {name}" for name in platforms)
    command = f"tidewright bench guide{words} --rows {rows} --seconds {seconds:g}"
    return bench.Figures("guide", command, targets.COLUMNS, tuple(lines), summary)


def _machine() -> str:
    """When and where."""
    today = datetime.now(UTC).date().isoformat()
    return (
        f"{today}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )


def _summary(name: str, found: Findings) -> dict[str, object]:
    lost = [*targets.missed(name, found.measured), *(["SLO-02 (rate)"] if found.short else [])]
    told = {f"{name}: failed": found.problem} if found.problem else {}
    return {
        f"{name}: rows loaded": found.rows,
        f"{name}: wrong answers": len(found.everything.wrong),
        f"{name}: exact": found.exact,
        f"{name}: missed": ", ".join(lost) or "none",
        **told,
    }


def _platform(name: str, say: bench.Say, rows: int, seconds: float) -> Findings:
    """What it showed. A platform that fails is said and costs the others nothing."""
    wish = demo.Wish(rate=LOADING[name][0])
    talk = up.Talk(say, lambda question: True)
    found = Findings()

    def act(place: state.Environment) -> None:
        _load(name, place, rows, found, talk)
        _interactive(name, place, seconds, found, say)
        _analytics(name, place, found, say)
        _catalog(place, found, say)
        every = found.everything
        asked = max(every.answers + every.failed, 1)
        found.note("SLO-04", (every.failed + len(every.wrong)) / asked * 100, every)

    try:
        _, verified = demo.during(name, wish, talk, act)
        found.exact = verified.ok
    except errors.PlatformError as reason:
        found.problem = str(reason).partition("\n")[0]
        say(f"{name}: {found.problem}")
    return found


# --- Rows


def _load(name: str, place: state.Environment, rows: int, found: Findings, talk: up.Talk) -> None:
    """Until so many rows have passed the stage; then at the pace of the file."""
    before, began = _passed(name, place), time.monotonic()
    talk.say(f"{name}: loading {rows:,} further rows")
    while _passed(name, place) < before + rows and time.monotonic() < began + LOAD_SECONDS:
        time.sleep(0.1)
    found.rows = _passed(name, place)
    found.measured["SCL-23"] = (found.rows - before) / (time.monotonic() - began)
    found.checked["SCL-23"] = "by verify, at the end"
    calm = project.load(place.place.project, place.name)
    up.up(calm.platform, calm.folder, up.Talk(lambda line: None, talk.ask))
    _published(place, time.time())


def _passed(name: str, place: state.Environment) -> int:
    seen, stage = observing.observe(place.place.root), LOADING[name][1]
    if stage == "capture":
        return seen.capture.changes if seen.capture else 0
    return next((m.changes for m in seen.movers.values() if m.stage == stage), 0)


def _published(place: state.Environment, since: float) -> None:
    """The marts have what was loaded, where they are refreshed as a whole."""
    for _, job in lakeside.of_kind(place, jobs.RefreshJob):
        with postgres.connect(job.marts, str(job.secrets)) as conn:
            until = time.monotonic() + PUBLISH_SECONDS
            while time.monotonic() < until:
                if conn.execute(_NEWER, (since,)).fetchone() is not None:
                    return
                time.sleep(0.2)


# --- What is asked


def _interactive(
    name: str, place: state.Environment, seconds: float, found: Findings, say: bench.Say
) -> None:
    """Queries at 100 a second, then as many as fit, then dashboards, while rows arrive."""
    there = _marts(place)
    turns = [crowd.Turn(q.size, (q,)) for q in marts.QUESTIONS[name]]
    say(f"{name}: {HELD:g} queries a second for {seconds:g} s")
    fresh = probe.of(place)
    if fresh is not None:
        fresh.start()
    try:
        calm, held = crowd.ask(there, turns, crowd.Load(ASKERS, seconds, HELD))
    finally:
        if fresh is not None:
            fresh.stop()
    found.everything.add(calm)
    found.note("PRF-01", _p95(calm, "simple"), calm)
    found.note("PRF-02", _p95(calm, "medium"), calm)
    found.note("SLO-02", _p95(calm, "simple", "medium"), calm)
    found.checked["SLO-02"] += f", at {held:.0f} queries/s"
    found.short = held < 0.95 * HELD
    _freshness(place, fresh, found)
    say(f"{name}: queries as many as fit, then dashboards")
    burst, rate = crowd.ask(there, turns, crowd.Load(ASKERS, BURST))
    found.everything.add(burst)
    found.note("PRF-05", rate, burst)
    _, console = next(lakeside.of_kind(place, jobs.ConsoleJob))
    board = crowd.Turn("dashboard", tuple(map(marts.drawn, console.charts)))
    drawn, rate = crowd.ask(there, [board], crowd.Load(ASKERS, DASHBOARDS))
    found.everything.add(drawn)
    found.note("PRF-06", rate * 60, drawn)


def _freshness(place: state.Environment, fresh: probe.Probe | None, found: Findings) -> None:
    """Seen by readers of our own where we may write to the source; else as the stages say."""
    hops = dict(observing.observe(place.place.root).hops)
    if fresh is not None and fresh.problem is not None:
        raise fresh.problem
    seen = fresh.percentiles() if fresh is not None else {}
    for hop in END:
        if hop in seen or hop in hops:
            found.measured["SLO-03"] = (seen.get(hop) or hops[hop]).p95 / 1000
            told = "by separate readers" if hop in seen else f"hop {hop}, last minute"
            found.checked["SLO-03"] = told


def _analytics(name: str, place: state.Environment, found: Findings, say: bench.Say) -> None:
    """The lake's questions, each half of the times at one commit."""
    say(f"{name}: analytics over the lake, {LAKE_TIMES} times each")
    complexes, reports = (asking.Asked(), asking.Asked())
    for _ in range(2):
        pin = pins.Pin(place)
        try:
            for question, seen in zip(lake.QUESTIONS[name], (complexes, reports), strict=True):
                wanted = pin.again(question)
                for _ in range(LAKE_TIMES // 2):
                    began = time.monotonic()
                    answer = pin.ask(question)
                    seen.took(question.size, time.monotonic() - began)
                    seen.judge(question.name, answer, wanted)
                    if not asking.fits(question, len(answer)):
                        seen.blame(question.name, f"{len(answer)} rows are no {question.size}")
        finally:
            pin.close()
    for target, seen, size in (("PRF-03", complexes, "complex"), ("PRF-04", reports, "report")):
        found.everything.add(seen)
        found.note(target, _p95(seen, size), seen)


def _catalog(place: state.Environment, found: Findings, say: bench.Say) -> None:
    """The catalog over HTTP."""
    reached = {e.name: e for e in connect.connections(place).endpoints}
    rest, lander = reached["catalog.rest"], lakeside.landers(place)[0]
    say("calls to the catalog")
    front = fronts.Front(
        rest.url, connect.secret(place, str(rest.secret)), lander.lake.catalog,
        place.place.secrets,
    )  # fmt: skip
    seen, rate = fronts.call(front, CALLS)
    found.everything.add(seen)
    found.note("PRF-07", rate, seen)


def _marts(place: state.Environment) -> crowd.Marts:
    """Where the marts are, by the stage that keeps them."""
    for _, refresh in lakeside.of_kind(place, jobs.RefreshJob):
        return _there(place, refresh.marts, "marts")
    _, rollup = next(lakeside.of_kind(place, jobs.RollupJob))
    return _there(place, rollup.marts, rollup.stage.to)


def _there(place: state.Environment, marts_: flow.Connection, schema: str) -> crowd.Marts:
    return crowd.Marts(marts_, place.place.secrets, schema)


def _p95(seen: asking.Asked, *kinds: str) -> float:
    """Seconds; infinite where nothing was answered."""
    found = [s for kind in kinds for s in seen.seconds.get(kind, ())]
    return float(np.percentile(found, 95)) if found else float("inf")


def _told(seen: asking.Asked) -> str:
    bad = len(seen.wrong) + seen.failed
    return f"{seen.answers:,}" + (f", {bad} wrong" if bad else "")
