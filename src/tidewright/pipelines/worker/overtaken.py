"""A first copy whose table changed its form meanwhile is begun again, but not for ever.

One that was truncated before it was read is copied again after the others, and locked at once. The
count is kept in memory: a restart copies everything that was not joined anyway.
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
        self._left_out: set[str] = set()

    def left_out(self, names: Iterable[str]) -> None:
        """These were truncated, or rewritten, before a copy could read them."""
        self._left_out.update(names)

    def next(self, names: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
        """What to copy now, of ``names``, and whether to lock it at once.

        Never both kinds together: a lock lasts until the whole copy is joined.
        """
        calm = tuple(name for name in names if name not in self._left_out)
        return calm or names, not calm

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
            self._left_out.discard(name)
