"""What this target changes in a platform, each change with a sentence for the person.

One machine runs one of everything, on the loopback interface. Nothing is dropped silently.
"""

from __future__ import annotations

from tidewright.model import platform as nouns
from tidewright.targets.local import layout


def notes(platform: nouns.Platform, place: layout.Layout) -> tuple[str, ...]:
    """What a user should know about how the platform runs here."""
    return tuple(_notes(platform, place))


def _notes(platform: nouns.Platform, place: layout.Layout) -> list[str]:
    found = []
    dropping = sorted(s.name for s in platform.services if s.process.drops_root)
    if place.account and dropping:
        found.append(
            f"You are root: {', '.join(dropping)} run as {place.account}, and the state lies in "
            f"{place.root}."
        )
    return found
