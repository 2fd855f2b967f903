"""What the child tells the waiter after each attempt, one line of JSON each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tidewright.model import observed


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the marts are, by flow. ``seen``: the last commit tried; ``published``: in them.

    ``since_ms``: commits made before this moment do not count for freshness.
    """

    seen: Mapping[str, int]
    published: Mapping[str, int]
    since_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt. ``again``: it failed for a reason that may pass, so try without a new commit.

    ``edited``: what an edit of the project lately did; also in the message.
    """

    state: Literal["published", "degraded", "waiting"]
    message: str
    progress: Progress
    position: str | None = None
    seconds: float | None = None
    checks: tuple[observed.CheckState, ...] | None = None
    marts: tuple[observed.MartState, ...] = ()
    ages: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    again: bool = False
    edited: str = ""
