"""Which environment a command means, and what was applied to it last.

Named by the user, else the one that is running, else the first under ``run``. The applied
platform is kept beside the state, so that ``stop`` and ``status`` need no readable file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.kit import files
from tidewright.model import codec
from tidewright.model import platform as nouns
from tidewright.targets.local import driver, layout, lock

APPLIED = "applied.json"


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment of the platform in ``place.project``, as it was applied last."""

    name: str
    place: layout.Layout
    applied: nouns.Platform


def choose(project: Path, asked: str | None, declared: Sequence[str] = ()) -> str:
    """The name of the environment that a command means. ``declared``: those under ``run``.

    Every command comes by here, so what a crash left of any environment is ended first.
    """
    reap_all(project)
    if asked:
        return asked
    running = _running(project)
    if len(running) == 1:
        return running[0]
    if len(running) > 1:
        raise _say_which(running)
    if declared:
        return declared[0]
    known = layout.environments(project)
    if len(known) > 1:
        raise _say_which(known)
    if known:
        return known[0]
    raise _never_up(project, None)


def find(project: Path, asked: str | None, declared: Sequence[str] = ()) -> Environment:
    """An environment that was up before, as it was applied last."""
    name = choose(project, asked, declared)
    place = layout.locate(project, name)
    applied = read_applied(place) if place else None
    if place is None or applied is None:
        raise _never_up(project, name)
    return Environment(name, place, applied)


def reap_all(project: Path) -> int:
    """End what crashes left of any environment here. Returns how many processes."""
    places = (layout.locate(project, name) for name in layout.environments(project))
    return sum(driver.reap(place) for place in places if place)


def read_applied(place: layout.Layout) -> nouns.Platform | None:
    """The platform that was applied last; None when nothing readable was."""
    try:
        return codec.loads(nouns.Platform, (place.root / APPLIED).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return None


def write_applied(place: layout.Layout, platform: nouns.Platform) -> None:
    """Remember what was applied."""
    with layout.refusing(place.root):
        files.replace_private(place.root / APPLIED, codec.dumps(platform))


@contextlib.contextmanager
def alone(place: layout.Layout) -> Iterator[None]:
    """One command changes an environment at a time; the others are refused, not queued."""
    with lock.held(place.root, lock.COMMAND) as got:
        if not got:
            other = lock.holder(place.root, lock.COMMAND)
            raise errors.Refused(
                "local.busy",
                f"another command changes this environment now (process {other})",
                str(place.root),
                "Wait until it is done, then run this one again.",
            )
        yield


def _running(project: Path) -> tuple[str, ...]:
    names = layout.environments(project)
    return tuple(n for n in names if (p := layout.locate(project, n)) and driver.running(p))


def _say_which(names: Sequence[str]) -> errors.SpecError:
    what = f"several environments could be meant: {', '.join(names)}"
    hint = f"Say which, for example: --env {names[0]}"
    finding = errors.Finding("local.which_environment", what, errors.Where("--env"), hint)
    return errors.SpecError((finding,))


def _never_up(project: Path, name: str | None) -> errors.Refused:
    subject = f"the environment {name}" if name else "this platform"
    return errors.Refused(
        "local.never_up",
        f"{subject} was never started here",
        str(project),
        "Start it with: tidewright up " + name
        if name
        else "Go to the folder of its platform.yaml, or name that with --file.",
    )
