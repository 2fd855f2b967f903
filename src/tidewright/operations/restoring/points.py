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
        found = _before(source, ids, _moment(wanted))
    check_clock(found, int(time.time() * 1000) if now_ms is None else now_ms)
    return found


def some(there: store.Store) -> tuple[str, ...]:
    """All points by name, oldest first. Raises Refused when there is none."""
    ids = there.ids()
    if not ids:
        raise errors.Refused(
            "backup.no_point", "there are no recovery points", there.place.title,
            "Make one with: tidewright backup create; or name the right folder.",
        )  # fmt: skip
    return ids


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
