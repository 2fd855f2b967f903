"""Which fault points CI goes through: every fourth; all of them when TIDEWRIGHT_ROUNDS is set."""

from __future__ import annotations

import os
from collections.abc import Iterable

STEP = 4


def some(points: Iterable[str]) -> tuple[str, ...]:
    """A fixed sample for CI's time, the whole list before a release."""
    return tuple(points) if "TIDEWRIGHT_ROUNDS" in os.environ else tuple(points)[::STEP]
