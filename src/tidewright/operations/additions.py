"""What ``up --with`` adds to an environment beyond its file, and that the environment remembers.

``up`` without a word keeps it, ``up --without`` takes it away. What the file itself asks for can
only be taken out of the file. Packages that an addition needs are installed here, before anything
of the environment is touched.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.assemble import build, flows
from tidewright.clients import extras
from tidewright.kit import files
from tidewright.operations import up
from tidewright.spec import load
from tidewright.targets.local import layout

FILE = "with.json"
KNOWN = (flows.BI,)


@dataclass(frozen=True, slots=True)
class Wish:
    """What this call adds and takes away, by name, and the tables that it copies again after."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    again: tuple[str, ...] = ()


NOTHING = Wish()


def remembered(project: Path, environment: str) -> frozenset[str]:
    """What earlier calls added; nothing when it cannot be read."""
    place = layout.locate(project, environment)
    try:
        told = json.loads((place.root / FILE).read_text(encoding="utf-8")) if place else []
    except (OSError, ValueError):
        return frozenset()
    return frozenset(str(name) for name in told if name in KNOWN)


def laid_over(spec: load.Spec, wish: Wish, talk: up.Talk | None = None) -> load.Spec:
    """The file with what was added. Raises Refused for taking away what the file asks for."""
    kept = remembered(spec.folder, spec.environment)
    for name in wish.remove:
        if flows.has_bi(spec):
            raise errors.Refused(
                "local.file_asks",
                f"the file itself asks for {name}; nothing was changed",
                spec.path.name,
                f"Take engines: {{bi: {name}}} out of it, then run `tidewright up`.",
            )
    wanted = (kept | set(wish.add)) - set(wish.remove)
    if talk and kept & wanted and not wish.add and not flows.has_bi(spec):
        names = ", ".join(sorted(kept))
        talk.say(f"{names} stays: `up --with` added it, `up --without` takes it away.")
    return load.with_bi(spec, flows.BI) if flows.BI in wanted else spec


def remember(spec: load.Spec, wish: Wish) -> None:
    """Keep what this call adds, and forget what it takes away."""
    kept = remembered(spec.folder, spec.environment)
    wanted = (kept | set(wish.add)) - set(wish.remove)
    if wanted != kept:
        place = layout.create(spec.folder, spec.environment)
        files.replace_private(place.root / FILE, json.dumps(sorted(wanted)) + "\n")


def install(spec: load.Spec, talk: up.Talk) -> None:
    """Install the packages that its components need in environments of their own."""
    for extra in build.extras(spec):
        if extras.missing(extra):
            extras.install(extra, talk.say)
