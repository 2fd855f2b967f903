"""The verbs of a started environment, by file and name: what the façade offers.

Except for ``up`` none needs a file that can be read: what was applied is kept with the state.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tidewright.operations import additions, project, state
from tidewright.operations import destroy as destroying
from tidewright.operations import logs as logging
from tidewright.operations import status as looking
from tidewright.operations import stop as stopping
from tidewright.operations import up as starting


def up(
    file: Path,
    asked: str | None,
    talk: starting.Talk,
    seconds: float = starting.SECONDS,
    *,
    attach: bool = False,
    wish: additions.Wish = additions.NOTHING,
) -> starting.Outcome:
    """Converge an environment to the file, and wait until all of it is healthy."""
    found = project.load(file, asked, wish, talk)
    additions.install(found.spec, talk)
    additions.remember(found.spec, wish)
    return starting.up(found.platform, found.folder, talk, seconds, attach=attach, again=wish.again)


def stop(file: Path, asked: str | None, talk: starting.Talk, *, give_back: bool = False) -> bool:
    """Stop all processes. Returns False when none were running."""
    return stopping.stop(project.environment(file, asked), talk, give_back=give_back)


def destroy(found: state.Environment, talk: starting.Talk, *, keep_source: bool = False) -> None:
    """Remove an environment and all its data. The caller has asked."""
    destroying.destroy(found, talk, keep_source=keep_source)


def status(file: Path, asked: str | None = None) -> dict[str, Any]:
    """The answer of ``status -o json``."""
    return looking.status(project.environment(file, asked))


def logs(
    file: Path, asked: str | None, wanted: logging.Wanted, *, follow: bool = False
) -> Iterator[logging.Line]:
    """The lines of services; with ``follow`` it never ends."""
    found = project.environment(file, asked)
    return logging.follow(found, wanted) if follow else logging.logs(found, wanted)
