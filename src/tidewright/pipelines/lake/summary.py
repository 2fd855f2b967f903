"""The summary of a snapshot: what came, what went, and the totals, as Iceberg names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyiceberg.manifest import DataFile
from pyiceberg.table.snapshots import UpdateMetrics

_TOTALS = (
    ("total-data-files", "added-data-files", "deleted-data-files"),
    ("total-delete-files", "added-delete-files", "removed-delete-files"),
    ("total-records", "added-records", "deleted-records"),
    ("total-files-size", "added-files-size", "removed-files-size"),
    ("total-position-deletes", "added-position-deletes", "removed-position-deletes"),
    ("total-equality-deletes", "added-equality-deletes", "removed-equality-deletes"),
)


@dataclass(frozen=True, slots=True)
class Acts:
    """What was done to a table since its last snapshot, by meaning and not by file."""

    appended: bool = False
    deleted: bool = False
    rewritten: bool = False


def operation(acts: Acts) -> str:
    """Iceberg's word for it. Readers of changes skip ``replace``: it must change no row."""
    if acts.appended:
        return "overwrite" if acts.deleted or acts.rewritten else "append"
    return "delete" if acts.deleted else "replace"


def summary(
    acts: Acts,
    moved: tuple[Iterable[DataFile], Iterable[DataFile]],
    previous: Mapping[str, str],
    facts: Mapping[str, str],
) -> dict[str, str]:
    """``moved``: files added and removed. ``facts`` are our own entries (position and source)."""
    metrics = UpdateMetrics()
    for file in moved[0]:
        metrics.add_file(file)
    for file in moved[1]:
        metrics.remove_file(file)
    found = metrics.to_dict()
    for total, plus, minus in _TOTALS:
        before = int(previous.get(total, 0))
        found[total] = str(before + int(found.get(plus, 0)) - int(found.get(minus, 0)))
    return {"operation": operation(acts), **found, **facts}
