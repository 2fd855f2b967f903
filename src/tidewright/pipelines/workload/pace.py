"""How many changes are due now. Pure: the caller brings the clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

LONGEST = 5.0  # seconds of work that may be owed: a stall is made up for, a suspension is not
WINDOW = 3.0  # seconds over which the observed rate is taken


@dataclass(slots=True)
class Pace:
    """Turns a rate, which may change at any time, into whole changes that are due."""

    last: float
    owed: float = 0.0

    def due(self, now: float, rate: float) -> int:
        """Whole changes owed at ``now``; at least one may be owed however low the rate is."""
        self.owed += rate * max(0.0, now - self.last)
        self.owed = min(self.owed, max(rate * LONGEST, 1.0))
        self.last = now
        return int(self.owed + 1e-6)  # 0.1 s at 10/s is one change, not 0.999...

    def made(self, changes: int) -> None:
        self.owed -= changes

    def forgive(self, now: float) -> None:
        """Nothing is owed for the time until ``now``: the source was not there."""
        self.last, self.owed = now, 0.0


@dataclass(slots=True)
class Meter:
    """Changes per second over the last few seconds."""

    window: float = WINDOW
    seen: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, now: float, changes: int) -> None:
        self.seen.append((now, changes))
        self._forget(now)

    def rate(self, now: float) -> float:
        self._forget(now)
        return sum(changes for _, changes in self.seen) / self.window

    def _forget(self, now: float) -> None:
        while self.seen and self.seen[0][0] <= now - self.window:
            self.seen.popleft()
