"""How often to commit: as asked, but metadata work never takes more than a quarter of a core."""

from __future__ import annotations

SHARE = 0.25
LONGEST = 5.0


def interval(asked: float, commit_seconds: float) -> float:
    """Seconds between the starts of two commits, from what the last commits cost."""
    return min(max(asked, commit_seconds / SHARE), max(LONGEST, asked))


def smoothed(before: float, last: float) -> float:
    """A running mean of commit cost in which one slow disk moment does not count for long."""
    return last if before == 0 else 0.8 * before + 0.2 * last
