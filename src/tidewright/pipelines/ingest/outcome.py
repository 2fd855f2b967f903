"""What the child tells the runner when it ends: one line of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidewright.model import observed


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. ``nothing``: no asset had rows; ``lost``: the branch is not ours any more.

    ``added``: rows by this run, over all tables.
    """

    state: Literal["green", "red", "failed", "nothing", "lost"]
    message: str
    added: int = 0
    checks: tuple[observed.CheckState, ...] = ()
    tables: tuple[str, ...] = ()
