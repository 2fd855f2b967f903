"""``demo``: each example in a folder of its own, run for a while, measured, verified, removed."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import psutil

from tidewright import errors
from tidewright.kit import signals
from tidewright.model import acts, codec, jobs, observed, values
from tidewright.operations import (
    arrivals,
    console_link,
    destroy,
    init,
    observing,
    probe,
    project,
    state,
    up,
    verify,
)
from tidewright.targets.local import layout

T = TypeVar("T")
FIRST_SECONDS = 120.0
# Reading the memory of forty processes is work, too: it must not slow down what is measured.
LOOK_EVERY = 3.0
MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """How to run: seconds per platform, changes per second, and a folder to keep it in.

    ``script``: another workload of the example's folder than the file names. ``settle``: measure
    once the backlog of the start is worked off.
    """

    seconds: float = 20.0
    rate: float | None = None
    keep: Path | None = None
    script: str | None = None
    settle: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What one platform did. Times are seconds from the start of ``up``."""

    platform: str
    ok: bool
    seconds_to_first_row: float
    seconds_to_first_mart: float | None
    changes: int
    rate: float
    freshness_ms: dict[str, observed.Percentiles]
    verify: acts.Verification
    peak_mb: int


def demo(names: Sequence[str], wish: Wish, talk: up.Talk) -> tuple[Shown, ...]:
    """Run each example by name (none: all). Ctrl-C removes what was started."""
    return tuple(_show(name, wish, talk) for name in init.chosen(names, "demo"))


def during(
    name: str, wish: Wish, talk: up.Talk, act: Callable[[state.Environment], T]
) -> tuple[T, acts.Verification]:
    """What ``act`` finds in an example once rows arrive everywhere, and whether it is exact."""
    with _running(name, wish, talk) as (place, began):
        _first(place, talk, began)
        found = act(place)
        return found, verify.verify(place, talk.say)


def rest(seconds: float, talk: up.Talk) -> dict[str, int]:
    """Megabytes of PSS per process of the bank, ``seconds`` after its workload went to rate 0."""
    wish = Wish()
    with _running("bank-cdc", wish, talk) as (place, began):
        _first(place, talk, began)
        time.sleep(10)
        calm = codec.transform(place.applied, lambda noun: _as_wished(noun, Wish(rate=0)))
        up.up(calm, place.place.project, talk)
        talk.say(f"rate 0; waiting for {seconds:.0f} s")
        time.sleep(seconds)
        return {name: pss // MB for name, pss in tree_pss(place.place.root).items()}


def _show(name: str, wish: Wish, talk: up.Talk) -> Shown:
    with _running(name, wish, talk) as (place, began):
        return _measure(name, place, wish, talk, began)


@contextmanager
def _running(name: str, wish: Wish, talk: up.Talk) -> Iterator[tuple[state.Environment, float]]:
    """The example, up, and the moment when ``up`` began; removed afterwards unless kept."""
    with _folder(name, wish) as folder:
        talk.say(f"{name}: in {folder}")
        init.init_from_example(name, folder)
        began = time.monotonic()
        plan = project.load(folder)
        try:
            platform = codec.transform(plan.platform, lambda noun: _as_wished(noun, wish))
            up.up(platform, plan.folder, talk)
            yield state.find(plan.folder, plan.environment), began
        finally:
            if wish.keep is None:
                with signals.undisturbed():
                    _remove(plan.folder, plan.environment)


def _remove(folder: Path, environment: str) -> None:
    """All of it, however far it came before it failed or was interrupted."""
    place = layout.locate(folder, environment)
    if place is None or not place.root.exists():
        return
    applied = state.read_applied(place)
    if applied is None:  # nothing runs before it is written
        layout.remove(place)
        return
    found = state.Environment(environment, place, applied)
    destroy.destroy(found, up.Talk(lambda line: None, lambda question: True))


@contextmanager
def _folder(name: str, wish: Wish) -> Iterator[Path]:
    if wish.keep is not None:
        yield wish.keep / name
        return
    made = Path(tempfile.mkdtemp(prefix="tidewright-demo-"))
    try:
        yield made / name
    finally:
        with signals.undisturbed():
            shutil.rmtree(made, ignore_errors=True)


def _as_wished(noun: object, wish: Wish) -> object:
    if not isinstance(noun, jobs.GENERATORS):
        return noun
    script = noun.script if wish.script is None else values.Folder("project", wish.script)
    return replace(noun, rate=noun.rate if wish.rate is None else wish.rate, script=script)


def _measure(name: str, place: state.Environment, wish: Wish, talk: up.Talk, began: float) -> Shown:
    memory = Memory(place)
    talk.say(f"console: {console_link.console_link(place.place.project, place.name)}")
    first_row, first_mart = _first(place, talk, began)
    with _probing(place) as probing:
        if probing is not None and wish.settle:
            _settle(probing, talk)
        talk.say(f"measuring for {wish.seconds:.0f} s")
        before, since = _changes(place), time.monotonic()
        time.sleep(wish.seconds)
        fresh = _rounded(observing.observe(place.place.root).hops)
        changes, seconds = _changes(place) - before, time.monotonic() - since
    found = verify.verify(place, talk.say)
    if probing is not None:
        if probing.problem is not None:
            raise probing.problem
        fresh = probing.percentiles()
    return Shown(
        name, found.ok, round(first_row, 2), first_mart, changes,
        round(changes / seconds, 1), dict(fresh), found, memory.stop(),
    )  # fmt: skip


def _settle(probing: probe.Probe, talk: up.Talk) -> None:
    """A steady state is measured: what piled up during the start is worked off before."""
    began = time.monotonic()
    while not probing.caught_up() and time.monotonic() - began < FIRST_SECONDS:
        time.sleep(0.1)
    word = "caught up" if probing.caught_up() else "NOT caught up"
    talk.say(f"{word} with what came during the start, after {time.monotonic() - began:.1f} s")
    probing.begin()


def _rounded(hops: Mapping[str, observed.Percentiles]) -> Mapping[str, observed.Percentiles]:
    """To a tenth of a millisecond."""
    return {
        hop: observed.Percentiles(round(p.p50, 1), round(p.p95, 1), round(p.p99, 1))
        for hop, p in hops.items()
    }


def _first(place: state.Environment, talk: up.Talk, began: float) -> tuple[float, float | None]:
    """Seconds to the first row behind every stage that moves rows, and to the first marts.

    None where the platform has no marts.
    """
    first_row = 0.0
    for stage in arrivals.stages(place):
        first_row = _until(stage.arrived, began, f"the first row behind {stage.service}")
    talk.say(f"first row in the lake after {first_row:.1f} s")
    first_mart: float | None = None
    for stage in arrivals.marts(place):
        first_mart = round(_until(stage.arrived, began, "the first mart"), 2)
        talk.say(f"first mart after {first_mart:.1f} s")
    return first_row, first_mart


@contextmanager
def _probing(place: state.Environment) -> Iterator[probe.Probe | None]:
    """Separate readers while it runs, where the source is one that we may write to."""
    found = probe.of(place)
    if found is not None:
        found.start()
    try:
        yield found
    finally:
        if found is not None:
            found.stop()


def _until(ready: Callable[[], bool], began: float, what: str) -> float:
    while time.monotonic() - began < FIRST_SECONDS:
        if ready():
            return time.monotonic() - began
        time.sleep(0.05)
    raise errors.TimedOut(
        "lake.empty", f"{what} did not come within {FIRST_SECONDS:.0f} s", "demo",
        "Run it again with --keep DIR, and look at `tidewright status` and `logs` there.",
    )  # fmt: skip


def _changes(place: state.Environment) -> int:
    """Of the stage that saw most: one change passes several."""
    seen = observing.observe(place.place.root)
    captured = seen.capture.changes if seen.capture else 0
    return max([captured, *(mover.changes for mover in seen.movers.values())])


class Memory:
    """The largest sum of PSS over the supervisor's process tree, looked at now and then."""

    def __init__(self, place: state.Environment) -> None:
        self._root = place.place.root
        self._peak = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Megabytes at the peak."""
        self._ending.set()
        self._thread.join(5)
        return self._peak // MB

    def _watch(self) -> None:
        while not self._ending.wait(LOOK_EVERY):
            self._peak = max(self._peak, sum(tree_pss(self._root).values()))


def tree_pss(root: Path) -> dict[str, int]:
    """Bytes of PSS of the supervisor and everything below it, by process; empty when stopped."""
    supervisor = observing.observe(root).supervisor
    if supervisor is None:
        return {}
    try:
        top = psutil.Process(supervisor.pid)
        family = (top, *top.children(recursive=True))
        return {f"{p.pid} {_title(p)}": _pss(p) for p in family}
    except psutil.Error:
        return {}


def _title(process: psutil.Process) -> str:
    """The module of a Python process, else the start of its title."""
    try:
        line = process.cmdline()
    except psutil.Error:
        return "?"
    after = line.index("-m") + 1 if "-m" in line[:-1] else 0
    return str(line[after]).rpartition("/")[2] if line else "?"


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
