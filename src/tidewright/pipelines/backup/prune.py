"""Old points go, then the blobs that no point names. A crash in between leaves no gap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tidewright import errors
from tidewright.model import backups, jobs
from tidewright.pipelines.backup import faults, reach, retention, store
from tidewright.vault import sealing


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went. ``unreadable``: points that cannot be trusted; while there is one no blob goes."""

    points: tuple[str, ...]
    blobs: int
    bytes: int
    unreadable: tuple[str, ...] = ()


def prune(
    into: store.Store,
    checker: sealing.Checker,
    keep: jobs.Retention,
    zone: str = "UTC",
    fault: faults.Fault = faults.none,
) -> Pruned:
    """Forget what ``keep`` does not name. The caller holds the lock of these backups."""
    readable, unreadable = _points(into, checker)
    ordered = sorted(readable.values(), key=lambda p: p.sequence)
    times = [(p.id, p.at_ms) for p in ordered]
    stay = retention.kept(times, keep, zone) if times else frozenset()
    # From the others, tables are copied again: the newest that needs no copy is never forgotten.
    exact = [p.id for p in ordered if all(f.exact for f in p.flows)]
    stay |= frozenset(exact[-1:])
    gone = tuple(identity for identity, _ in times if identity not in stay)
    for identity in gone:
        into.place.remove(store.point_name(identity))
    fault("points_forgotten")
    if unreadable:
        return Pruned(gone, 0, 0, unreadable)
    count, size = _sweep(into, (readable[i] for i in stay), fault)
    return Pruned(gone, count, size)


def _points(
    into: store.Store, checker: sealing.Checker
) -> tuple[dict[str, backups.Point], tuple[str, ...]]:
    readable, unreadable = {}, []
    for identity in into.ids():
        try:
            readable[identity] = into.point(identity, checker)
        except errors.PlatformError:
            unreadable.append(identity)
    return readable, tuple(unreadable)


def _sweep(
    into: store.Store, points: Iterable[backups.Point], fault: faults.Fault
) -> tuple[int, int]:
    """Remove blobs that no point needs. Raises Damaged for a list that cannot be read."""
    needed = {blob for point in points for blob in reach.blobs(into, point)}
    count = size = 0
    for blob, stored in list(into.blobs().items()):
        if blob not in needed:
            into.place.remove(store.blob_name(blob))
            count, size = count + 1, size + stored
            if count == 1:
                fault("blobs_forgotten")
    return count, size
