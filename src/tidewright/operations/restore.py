"""``restore``: a recovery point becomes a platform in a new folder, proved before it serves.

The order: the lake's files, then the catalog that names them, then each captured server to the
lake's own position. Nothing is started but what is being proved; the folder carries a mark until
all is well, and ``up`` refuses a marked one. The point and the old platform are only read.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tidewright import errors
from tidewright.model import acts, backups, jobs
from tidewright.operations import backup_place, lakeside, state, up
from tidewright.operations.restoring import anchor, ground, lake, points, proof, replay, stages
from tidewright.pipelines.backup import faults, reach
from tidewright.targets.local import layout

# Whose message names a log of a server in the new folder.
_LOOK_THERE = frozenset({"backup.replay"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for. ``source``: where the points are when ``file`` is gone.

    It is a folder, or ``s3://bucket/prefix`` behind ``endpoint``.
    """

    file: Path
    environment: str | None
    wanted: str
    into: Path
    source: str | None = None
    key: Path | None = None
    endpoint: str = ""
    region: str = "us-east-1"


@dataclass(slots=True)
class Restored:
    """What was brought back and how it was proved. ``seconds``: by step, in order."""

    point: backups.Point
    place: layout.Layout
    environment: state.Environment
    distance: points.Distance | None = None
    tables: list[acts.TableDifference] = field(default_factory=list)
    invariants: list[acts.Invariant] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def asked(wish: Wish, talk: up.Talk) -> Restored:
    """Find the points and the key, then ``restore``."""
    source = backup_place.source(
        backup_place.Wish(
            wish.file, wish.environment, source=wish.source, key=wish.key,
            endpoint=wish.endpoint, region=wish.region,
        )
    )  # fmt: skip
    return restore(source, wish.wanted, wish.into.absolute(), talk)


def restore(source: points.Source, wanted: str, into: Path, talk: up.Talk) -> Restored:
    """Bring a point back into ``into``. Raises with the cause of any doubt; then nothing serves.

    What a refused restore made is removed again; one that was interrupted is begun anew.
    """
    point = points.choose(source, wanted)
    talk.say(f"Restoring {point.platform}/{point.environment} as of {said_time(point.at_ms)}")
    far = points.distance(source, wanted, point)
    if far is not None:
        talk.say(
            f"The newest point not after {said_time(far.asked_ms)} is {point.id}: the "
            f"{far.seconds:.1f} s between them are not in it"
        )
    there = into.exists()
    ground.begin(into, point)
    try:
        return _restored(source, point, into, far, talk)
    except errors.PlatformError as reason:
        if reason.code not in _LOOK_THERE:
            ground.discard(into, keep=there)
        raise


def _restored(
    source: points.Source,
    point: backups.Point,
    into: Path,
    far: points.Distance | None,
    talk: up.Talk,
) -> Restored:
    fault = faults.from_environment(os.environ)
    clock = _Clock()
    fault("begun")
    made = ground.prepare(source, point, into, talk)
    found = Restored(point, made.place, made.environment, far, seconds=clock.seconds)
    clock.lap("project")
    lake.fetch(source, point, made)
    ground.fetch_played(source, point, made)
    clock.lap("lake")
    fault("lake_restored")
    for server in point.servers:
        replay.fetch(source, server, made)
    # The point's signature covers also what was not needed: one that is damaged is not used.
    reach.check(source.store, point)
    clock.lap("servers")
    with contextlib.ExitStack() as running:
        there = _servers(made, found, running, talk, clock, fault)
        fault("sources_replayed")
        for _, capture in lakeside.of_kind(made.environment, jobs.CaptureJob):
            _capture(made, found, capture, there, talk, fault)
        for stage in stages.proved(made.environment, talk.say):
            found.tables += stage.tables
            found.invariants += stage.invariants
        clock.lap("compared")
        fault("proved")
    clock.lap("stopped")
    ground.finish(into)
    return found


def _servers(
    made: ground.Ground,
    found: Restored,
    running: contextlib.ExitStack,
    talk: up.Talk,
    clock: _Clock,
    fault: faults.Fault,
) -> dict[str, replay.Running]:
    """Each server up to its target, and the catalog in one of them moved to where the lake is."""
    point, there = found.point, {}
    for server in sorted(point.servers, key=lambda s: s.captured):
        talk.say(f"{server.name}: replaying its log up to {server.target}")
        one = running.enter_context(replay.replayed(server, made))
        there[server.name] = one
        clock.lap(server.name)
        if not server.captured:
            found.invariants += proof.fingerprinted(point, one)
        if point.catalog.startswith(f"{server.name}/"):
            with one.connect(point.catalog.partition("/")[2]) as catalog:
                lake.check_catalog(point, catalog)
                fault("catalog_replayed")
                lake.move(point, made, catalog)
            clock.lap("catalog")
            fault("lake_moved")
    return there


def _capture(
    made: ground.Ground,
    found: Restored,
    capture: jobs.CaptureJob,
    there: Mapping[str, replay.Running],
    talk: up.Talk,
    fault: faults.Fault,
) -> None:
    """A captured source against its lake: it goes on where that stands, or is copied again."""
    flow = next((f for f in found.point.flows if f.name == capture.name), None)
    if flow is None:
        return
    if flow.server is None:
        _again(capture, flow, talk)
        found.invariants += proof.alone(capture, talk.say)
        return
    if not flow.exact:
        anchor.may_copy_again(capture.source, flow)
        _again(capture, flow, talk)
        found.again += capture.capture.tables
        return
    position = anchor.anchor(capture, flow, there[flow.server])
    talk.say(f"{capture.name}: goes on at {position.text} of timeline {position.identity.timeline}")
    stages.succeed(made.environment, flow.source, str(position.identity))
    fault("anchored")
    proved = proof.followed(made.environment, capture, talk.say)
    found.tables += proved.tables
    found.invariants += proved.invariants


def _again(capture: jobs.CaptureJob, flow: backups.Flow, talk: up.Talk) -> None:
    """A source that does not stand where the lake does: its tables are copied again at ``up``."""
    anchor.copy_again(capture, Path(str(capture.status)))
    why = flow.reason or "its source is not part of the backup"
    talk.say(f"{capture.name}: {why}; the next `up` copies its tables again")


def said_time(at_ms: int) -> str:
    """A moment as people read it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at_ms / 1000))


class _Clock:
    """Seconds of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(self.seconds.get(name, 0.0) + now - self._last, 3)
        self._last = now
