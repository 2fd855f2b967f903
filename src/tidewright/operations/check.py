"""``check``: every finding of the file, in all environments or one, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.assemble import build
from tidewright.model import platform as nouns
from tidewright.operations import project
from tidewright.spec import load


@dataclass(frozen=True, slots=True)
class Checked:
    """A file without findings: its platform, and the environments that were looked at."""

    platform: str
    environments: tuple[str, ...]
    platforms: tuple[nouns.Platform, ...]


def check(file: Path, environment: str | None = None) -> Checked:
    """Check the file. Raises SpecError with all findings, those of every environment."""
    specs = load.load_all(project.find(file), None if environment is None else (environment,))
    platforms, findings = [], []
    for spec in specs:
        try:
            platforms.append(build.build(spec))
        except errors.SpecError as reason:
            findings += [f for f in reason.findings if f not in findings]
    if findings:
        raise errors.SpecError(tuple(findings))
    names = tuple(s.environment for s in specs)
    return Checked(specs[0].document.platform, names, tuple(platforms))
