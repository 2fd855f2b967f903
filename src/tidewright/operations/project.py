"""From a path to an assembled environment: the front half of every verb that reads the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.assemble import build
from tidewright.model import platform as nouns
from tidewright.operations import additions, state, up
from tidewright.spec import load as files


@dataclass(frozen=True, slots=True)
class Project:
    """One environment of one file. ``folder`` is where the file lies."""

    folder: Path
    environment: str
    spec: files.Spec
    platform: nouns.Platform


def load(
    file: Path,
    asked: str | None = None,
    wish: additions.Wish = additions.NOTHING,
    talk: up.Talk | None = None,
) -> Project:
    """The environment asked for, else the one that runs, else the first in the file.

    ``wish``: what this call adds to what the environment remembers. Raises SpecError with every
    finding at once.
    """
    path = find(file)
    declared = files.environments(path)
    spec = files.load(path, state.choose(path.parent, asked, declared))
    spec = additions.laid_over(spec, wish, talk)
    return Project(path.parent, spec.environment, spec, build.build(spec))


def environments(file: Path) -> tuple[str, ...]:
    """The names under ``run``; nothing when the file cannot be read, which ``load`` reports."""
    return files.environments(find(file))


def environment(file: Path, asked: str | None = None) -> state.Environment:
    """An environment that was up before; needs no readable file. Raises Refused."""
    path = find(file)
    try:
        declared = files.environments(path)
    except errors.SpecError:
        declared = ()
    return state.find(path.parent, asked, declared)


def find(file: Path) -> Path:
    """The file itself when its folder was named; absolute, so that nothing depends on where."""
    return (file / files.FILE if file.is_dir() else file).absolute()
