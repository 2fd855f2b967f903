"""``up``: converge one environment on this machine to what the file asks for.

Prints the difference, asks when something would be lost, writes the files, starts or tells the
supervisor, and waits for health. What stays is the supervisor; ``--attach`` stays with it.
Ctrl-C before all is healthy stops what this call started; its data stays.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.model import acts, observed
from tidewright.model import platform as nouns
from tidewright.operations import changes, extras, heard, slot_names, state, unfinished, waiting
from tidewright.operations import programs as engines
from tidewright.targets.local import (
    driver,
    layout,
    lower,
    ports,
    programs,
    render,
    resolve,
)
from tidewright.vault import files as vault

SECONDS = 120.0
STOP_SECONDS = 90.0
# A supervisor takes its lock within a second of being started, also on a busy machine.
START_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Talk:
    """How an operation speaks to a person: ``say`` on stderr, ``ask`` for a yes."""

    say: Callable[[str], None]
    ask: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``up`` did: the steps taken, and how everything is."""

    place: layout.Layout
    steps: tuple[acts.Step, ...]
    status: observed.SupervisorStatus
    seconds: float


def up(
    platform: nouns.Platform,
    project: Path,
    talk: Talk,
    seconds: float = SECONDS,
    *,
    attach: bool = False,
    again: tuple[str, ...] = (),
) -> Outcome:
    """Make it so, and return when all is healthy and every table of the file is captured.

    ``attach``: stay until Ctrl-C, and then stop what this call started; a supervisor that ran
    before is joined, and left running. ``again``: tables that will be copied again after this, so
    that they may have stopped.
    """
    began = time.monotonic()
    unfinished.refuse(project)
    place = layout.create(project, platform.environment)
    teller = waiting.Teller(talk.say)
    with state.alone(place):
        # Asked under the lock: what another `up` started meanwhile is not ours to stop.
        driver.reap(place)
        fresh = not driver.running(place)
        extras.ensure(platform, talk.say)
        engines.ensure(platform, talk.say, running=not fresh)
        platform = slot_names.names(platform, state.read_applied(place))
        made, steps = prepare(platform, place, talk)
        # Known before anything runs: a start that is interrupted can be stopped and destroyed.
        state.write_applied(place, platform)
        with _withdrawn_by_ctrl_c(place, teller, fresh=fresh):
            process = _apply(place, platform, made, steps, attached=attach)
    try:
        with _withdrawn_by_ctrl_c(place, teller, fresh=fresh):
            seconds += max((s.patience for s in platform.services), default=0.0)
            word = heard.word(platform, place, made.description, frozenset(again))
            status = waiting.until_healthy(place, made.description, teller, seconds, word)
        outcome = Outcome(place, steps, status, time.monotonic() - began)
        if attach:
            talk.say(
                f"Everything is healthy. Ctrl-C {'leaves' if process is None else 'stops'} it."
            )
            waiting.attend(place, teller)
    finally:
        if process is not None and process.stdin is not None:
            process.stdin.close()
            waiting.until_stopped(place, teller, STOP_SECONDS)
            process.wait()
    return outcome


def prepare(
    platform: nouns.Platform, place: layout.Layout, talk: Talk
) -> tuple[render.Rendered, tuple[acts.Step, ...]]:
    """Secrets and ports made sure of, everything rendered, and the steps said and agreed to."""
    alive = _alive(place)
    made = rendered(platform, place, talk)
    steps = changes.data_steps(platform, state.read_applied(place), heard.never(place))
    steps += changes.steps(made.description, driver.current(place), alive)
    for note in lower.notes(platform, place):
        talk.say(note)
    for step in steps:
        talk.say(step.sentence)
    losing = [s.subject for s in steps if s.loses_data]
    if losing and not talk.ask(f"This gives up {', '.join(losing)}. Go on?"):
        raise errors.Refused(
            "local.would_lose",
            f"going on would give up {', '.join(losing)}; nothing was changed",
            "platform.yaml",
            "Put it back into the file, or agree with --yes.",
        )
    if not steps:
        talk.say("Nothing to change.")
    return made, steps


def rendered(platform: nouns.Platform, place: layout.Layout, talk: Talk) -> render.Rendered:
    """Secrets and ports made sure of, and every file that the processes are told by."""
    secrets(platform, place)
    return _render(platform, place, _alive(place), talk)


def secrets(platform: nouns.Platform, place: layout.Layout) -> None:
    """Make up what is ours to make up; the user's own must be there, or come by environment."""
    ours = set(platform.secrets)
    for name in sorted(ours):
        vault.generate(place.secrets, name)
    for name in sorted(render.secrets(platform) - ours):
        given = os.environ.get("TIDEWRIGHT_SECRET_" + name.upper().replace("-", "_"))
        if given:
            vault.write(place.secrets, name, given)
        vault.read(place.secrets, name)


def _render(
    platform: nouns.Platform, place: layout.Layout, alive: frozenset[str], talk: Talk
) -> render.Rendered:
    wanted = [ports.Wanted(s.name, p, s.name in alive) for s in platform.services for p in s.ports]
    seed = f"{layout.platform_id(place.project)}/{platform.environment}"
    chosen = ports.choose(wanted, ports.read(place.root), seed)
    for note in chosen.notes:
        talk.say(note)
    with layout.refusing(place.root):
        ports.write(place.root, chosen.numbers)
    program = programs.reachable if place.account else str
    # Ours never change; the user's do, and a session that is open goes on with the old one.
    given = sorted(render.secrets(platform) - set(platform.secrets))
    known = {name: vault.fingerprint(place.secrets, name) for name in given}
    return render.render(platform, resolve.Resolver(place, chosen.numbers), program, known)


def _alive(place: layout.Layout) -> frozenset[str]:
    """The services that run (or are done) under a living supervisor."""
    status = driver.status(place) if driver.running(place) else None
    return (
        frozenset(s.name for s in status.services if s.pid or s.healthy) if status else frozenset()
    )


@contextlib.contextmanager
def _withdrawn_by_ctrl_c(
    place: layout.Layout, teller: waiting.Teller, *, fresh: bool
) -> Iterator[None]:
    """``fresh``: nothing ran before this call, so nothing shall run after it."""
    try:
        yield
    except KeyboardInterrupt:
        if fresh:
            teller.say("Stopping what was started; what is on disk stays.")
            waiting.until_running(place, START_SECONDS)
            driver.ask_stop(place)
            waiting.until_stopped(place, teller, STOP_SECONDS)
        raise


def _apply(
    place: layout.Layout,
    platform: nouns.Platform,
    rendered: render.Rendered,
    steps: tuple[acts.Step, ...],
    *,
    attached: bool,
) -> driver.Process | None:
    """Returns the supervisor's process when this command started it."""
    driver.write(place, rendered)
    heard.try_again(platform, place)
    if not driver.running(place):
        return driver.start(place, attached=attached)
    if steps:
        driver.reload(place)
    return None
