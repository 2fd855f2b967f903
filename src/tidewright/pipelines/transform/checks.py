"""Checks: SQL files that each return the rows that are wrong.

Each file is one SELECT on the pinned tables and on the models' results. No row means it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.model import observed
from tidewright.pipelines.transform import engine, messages

SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks said. ``problems``: checks that could not run at all."""

    checks: tuple[observed.CheckState, ...]
    problems: tuple[errors.Finding, ...]


def run(folder: Path, at: engine.Engine) -> Checked:
    """Run every ``*.sql`` in the folder, in the order of their names."""
    if not folder.is_dir():
        return Checked((), (_no_folder(folder),))
    states, problems = [], []
    for file in sorted(folder.glob("*.sql")):
        try:
            states.append(_state(file, at))
        except engine.QueryFailed as reason:
            problems.append(_problem(file, str(reason)))
    return Checked(tuple(states), tuple(problems))


def failing(states: tuple[observed.CheckState, ...]) -> Iterator[str]:
    """One sentence for each check that does not hold."""
    for state in states:
        if not state.ok:
            first = ", ".join(f"{k}={v}" for k, v in state.rows[0].items()) if state.rows else ""
            yield f"check {state.name}: {state.failing} rows, for example {first or 'none shown'}"


def _state(file: Path, at: engine.Engine) -> observed.CheckState:
    seen = at.look(file.read_text(), SAMPLE)
    return observed.CheckState(file.stem, seen.count == 0, seen.count, seen.rows)


def _problem(file: Path, text: str) -> errors.Finding:
    place = f"{file.parent.name}/{file.name}"
    return messages.of_query(text, "refresh.check_unusable", place, file.read_text())


def _no_folder(folder: Path) -> errors.Finding:
    return errors.Finding(
        "refresh.check_unusable",
        "the folder of checks does not exist",
        errors.Where(folder.name),
        "Create it, or correct check.dir in the platform file.",
    )
