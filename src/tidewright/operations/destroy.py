"""``destroy``: remove an environment with all its data, and what it created at a source.

What is at a user's own source goes first: when that cannot be reached, nothing is removed.
"""

from __future__ import annotations

from pathlib import Path

from tidewright import errors
from tidewright.operations import project, release, state, up, waiting
from tidewright.targets.local import driver, layout


def destroy(environment: state.Environment, talk: up.Talk, *, keep_source: bool = False) -> None:
    """Remove it all. The caller has asked; ``keep_source`` leaves slot and publication there."""
    place = environment.place
    with state.alone(place):
        if driver.running(place):
            driver.ask_stop(place)
            waiting.until_stopped(place, waiting.Teller(talk.say), up.STOP_SECONDS)
        if not keep_source:
            _withdraw(environment, talk)
        with layout.refusing(place.root):
            layout.remove(place)
    talk.say(f"Removed {environment.applied.name}/{environment.name} and all its data.")


def never_up(file: Path, asked: str | None) -> layout.Layout | None:
    """What an ``init --from``, a stored secret or a failed first ``up`` left; None when nothing."""
    project_folder = project.find(file).parent
    names = (asked,) if asked else layout.environments(project_folder)
    places = (layout.locate(project_folder, name) for name in names if name)
    for place in places:
        if place is not None and place.root.is_dir() and state.read_applied(place) is None:
            return place
    return None


def forget(place: layout.Layout, talk: up.Talk) -> None:
    """Remove the folders and secrets of an environment that never ran."""
    with state.alone(place), layout.refusing(place.root):
        layout.remove(place)
    talk.say(f"Removed what was kept for an environment that never ran: {place.root}")


def losses(environment: state.Environment) -> str:
    """What a person is asked to agree to."""
    return (
        f"This removes the environment {environment.name} of {environment.applied.name} with its "
        f"databases, its lake and its secrets: {environment.place.root}"
    )


def _withdraw(environment: state.Environment, talk: up.Talk) -> None:
    try:
        release.withdraw(environment, talk)
    except errors.PlatformError as reason:
        raise errors.StepFailed(
            "local.source_kept",
            f"slot and publication could not be dropped at the source: {reason.what}",
            reason.finding.where,
            "Make the source reachable and run this again, or use --keep-source and drop them "
            "there yourself: a slot that nobody reads keeps WAL.",
        ) from None
