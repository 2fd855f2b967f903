"""Which recovery point is meant: the newest, one by name, or the last one before a time."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from tidewright import errors
from tidewright.model import backups
from tidewright.pipelines.backup import store
from tidewright.vault import sealing

LATEST = "latest"
# Clocks of two machines may differ by so much before a point is said to be of the future.
AHEAD_MS = 300_000


@dataclass(frozen=True, slots=True)
class Source:
    """Where a point comes from, and the key that opens it."""

    store: store.Store
    key: sealing.Recovery


def choose(source: Source, wanted: str, now_ms: int | None = None) -> backups.Point:
    """The point that ``wanted`` means: ``latest``, an id, or a time (ISO 8601).

    Raises Damaged or Refused when that very point cannot be trusted; no other takes its place.
    """
    ids = some(source.store)
    if wanted == LATEST:
        found = source.store.point(ids[-1], source.key.checker)
    elif wanted in ids:
        found = source.store.point(wanted, source.key.checker)
    else:
        moment = _moment(wanted)
        check_moment(moment, wanted, int(time.time() * 1000))
        found = _before(source, ids, moment)
    check_clock(found, int(time.time() * 1000) if now_ms is None else now_ms)
    return found


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a point is from the time that was asked for; both in epoch milliseconds."""

    asked_ms: int
    point_ms: int

    @property
    def seconds(self) -> float:
        """The work after the point and before that time, which it does not have."""
        return round((self.asked_ms - self.point_ms) / 1000, 3)


def distance(source: Source, wanted: str, point: backups.Point) -> Distance | None:
    """For a time its distance; None where the point was named or the latest one was meant.

    Between two points nothing exact can be made: a server can be replayed to any moment, but no
    logical slot reaches back, so the lake would not have every change in between.
    """
    if wanted == LATEST or wanted in source.store.ids():
        return None
    return Distance(_moment(wanted), point.at_ms)


def some(there: store.Store) -> tuple[str, ...]:
    """All points by name, oldest first. Raises Refused when there is none."""
    ids = there.ids()
    if not ids:
        raise errors.Refused(
            "backup.no_point", "there are no recovery points", there.place.title,
            "Make one with: tidewright backup create; or name the right folder.",
        )  # fmt: skip
    return ids


def check_moment(at_ms: int, wanted: str, now_ms: int) -> None:
    """Refuse a time that has not come: whoever asked meant another one."""
    if at_ms - now_ms > AHEAD_MS:
        raise errors.Refused(
            "backup.no_point", f"{wanted} has not come yet", "--to",
            "Write latest, or a time with its zone: 2026-11-21T14:30:00+01:00.",
        )  # fmt: skip


def check_clock(point: backups.Point, now_ms: int) -> None:
    """Refuse a point of the future: a clock was wrong, and no age or order can be believed."""
    ahead = point.at_ms - now_ms
    if ahead > AHEAD_MS:
        raise errors.Refused(
            "backup.future", f"the point was made {ahead // 1000} s from now, by its own clock",
            f"point {point.id}", "Set this machine's clock, or take a point made by a right one.",
        )  # fmt: skip


def _before(source: Source, ids: tuple[str, ...], at_ms: int) -> backups.Point:
    """The last point whose cut is not after the time."""
    for identity in reversed(ids):
        point = source.store.point(identity, source.key.checker)
        if point.at_ms <= at_ms:
            return point
    raise errors.Refused(
        "backup.no_point", f"the oldest point is {ids[0]}, after that time",
        source.store.place.title, "Name a later time, or a point: tidewright backup list",
    )  # fmt: skip


def _moment(text: str) -> int:
    """Epoch milliseconds of a time; without a zone it is that of this machine."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise errors.Refused(
            "backup.no_point", f"{text!r} is neither a point nor a time", "--to",
            "Write latest, a point from `tidewright backup list`, or 2026-11-21T14:30:00+01:00.",
        ) from None  # fmt: skip
    return int(moment.timestamp() * 1000)
