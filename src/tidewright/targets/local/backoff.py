"""How long to wait before a service is started again. Pure: the clock is a parameter."""

from __future__ import annotations

FIRST = 0.5
LONGEST = 30.0
RESET_AFTER = 60.0


class Backoff:
    """Doubles from half a second to half a minute; starts over after a minute in good health."""

    def __init__(self) -> None:
        self._delay = FIRST
        self._well_since: float | None = None

    def healthy(self, now: float) -> None:
        """The service is well at ``now``."""
        if self._well_since is None:
            self._well_since = now

    def next(self, now: float) -> float:
        """The service ended at ``now``: seconds to wait."""
        if self._well_since is not None and now - self._well_since >= RESET_AFTER:
            self._delay = FIRST
        self._well_since = None
        delay = self._delay
        self._delay = min(LONGEST, self._delay * 2)
        return delay
