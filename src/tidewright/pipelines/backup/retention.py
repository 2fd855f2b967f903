"""Which points stay. Pure: times in, names out."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Sequence

from tidewright.model import jobs

# One point stays for each of the newest so many days, weeks and months: the last one in it.
_SPANS: tuple[tuple[str, Callable[[dt.datetime], tuple[int, ...]]], ...] = (
    ("daily", lambda t: (t.year, t.timetuple().tm_yday)),
    ("weekly", lambda t: tuple(t.isocalendar()[:2])),
    ("monthly", lambda t: (t.year, t.month)),
)


def kept(points: Sequence[tuple[str, int]], keep: jobs.Retention, zone: str) -> frozenset[str]:
    """``points``: id and time (epoch ms), oldest first. The newest always stays."""
    newest = [identity for identity, _ in points[-max(1, keep.last) :]]
    found = set(newest)
    place = zoneinfo.ZoneInfo(zone)
    for name, span in _SPANS:
        last = {
            span(dt.datetime.fromtimestamp(at_ms / 1000, place)): identity
            for identity, at_ms in points
        }
        count = getattr(keep, name)
        found |= set(list(last.values())[-count:] if count else ())
    return frozenset(found)
