"""A first copy whose table changed its form meanwhile is begun again, but not for ever.

The count is kept in memory: a restart copies everything that was not joined anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tidewright.pipelines.feeds import session
from tidewright.pipelines.worker import staging

COPIES = 5


class Overtaken:
    """Judges the trouble of copies; ``forget`` once a table is followed."""

    def __init__(self) -> None:
        self._copies: Counter[str] = Counter()

    def judge(self, trouble: staging.Trouble, place: str) -> session.Lost | staging.Trouble:
        """An outage, after which the table is copied again, or the trouble that stops it."""
        if not trouble.shape:
            return trouble
        self._copies[trouble.table] += 1
        made = self._copies[trouble.table]
        if made >= COPIES:
            del self._copies[trouble.table]
            what = f"its columns changed during each of {COPIES} copies ({trouble.reason})"
            return staging.Trouble(trouble.table, what)
        return session.Lost(
            "source.copy_overtaken",
            f"table {trouble.table} was altered while it was copied ({trouble.reason});"
            f" copy {made + 1} of at most {COPIES} begins",
            place,
            "Nothing was kept of this copy; it starts again by itself.",
        )

    def forget(self, names: Iterable[str]) -> None:
        """These tables are followed now."""
        for name in names:
            del self._copies[name]
