"""When something is due next, and how long the wait can be at worst. Pure: times in, times out."""

from __future__ import annotations

import datetime as dt
import itertools
import zoneinfo
from dataclasses import dataclass

import cronsim

# A run is expected to end within this time; the service says so when one takes longer.
RUN_SECONDS = 60.0
# Over a year and a day or two every rule of a calendar has come once, each clock change twice.
_YEAR = dt.timedelta(days=400)
_MOST_STEPS = 40_000


@dataclass(frozen=True, slots=True)
class Rule:
    """Every so many seconds, or by ``cron`` in a time zone; both None: never."""

    every: float | None = None
    cron: str | None = None
    zone: str = "UTC"


def due(rule: Rule, last_ms: int | None, now_ms: int) -> int:
    """When it is due next, in epoch milliseconds. ``last_ms``: when it was done last.

    A last time in the future says nothing: somebody set a clock back.
    """
    if last_ms is None or last_ms > now_ms:
        return now_ms
    if rule.every is not None:
        return last_ms + int(rule.every * 1000)
    assert rule.cron is not None
    zone = zoneinfo.ZoneInfo(rule.zone)
    last = dt.datetime.fromtimestamp(last_ms / 1000, zone)
    return int(next(cronsim.CronSim(rule.cron, last)).timestamp() * 1000)


def longest_gap(rule: Rule) -> float | None:
    """Seconds between two points at worst, clock changes included; None: never scheduled."""
    if rule.every is not None:
        return rule.every
    if rule.cron is None:
        return None
    zone = zoneinfo.ZoneInfo(rule.zone)
    start = dt.datetime(2026, 1, 1, tzinfo=zone)
    times = itertools.takewhile(lambda t: t - start < _YEAR, cronsim.CronSim(rule.cron, start))
    moments = [t.timestamp() for t in itertools.islice(times, _MOST_STEPS)]
    if len(moments) < 2:
        return _YEAR.total_seconds()
    return max(b - a for a, b in itertools.pairwise(moments))


def worst_loss(rule: Rule) -> float | None:
    """Seconds of work that a disaster can cost: the gap, and the run that does not end in time."""
    gap = longest_gap(rule)
    return None if gap is None else gap + RUN_SECONDS


def zone_problem(zone: str) -> str:
    """What is wrong with the name of a time zone; empty when nothing is."""
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f"{zone!r} is no time zone that this machine knows"
    return ""


def problem(cron: str) -> str:
    """What is wrong with a cron expression; empty when nothing is."""
    try:
        next(cronsim.CronSim(cron, dt.datetime(2026, 1, 1)))
    except (cronsim.CronSimError, StopIteration) as reason:
        return str(reason) or "it never comes"
    return ""
