"""The named points at which a crash of a backup, a prune or a restore is tried, in their order."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.pipelines.core import faults
from tidewright.pipelines.core.faults import Fault, none

__all__ = ["POINTS", "VARIABLE", "Fault", "from_environment", "none"]

POINTS: Mapping[str, str] = {
    "bases_stored": "the servers' data folders are in the place",
    "cut_taken": "everybody goes on after the cut, and its files are linked",
    "log_stored": "the servers' logs up to the cut are in the place",
    "all_stored": "every blob of the point is in the place",
    "point_written": "the point is there, the servers still keep their log",
    "points_forgotten": "old points are gone, their blobs are not",
    "blobs_forgotten": "some blobs that nothing names are gone",
    "begun": "the new folder is marked as unfinished",
    "lake_restored": "the lake's files are back",
    "catalog_replayed": "the catalog's server stands at the cut",
    "lake_moved": "the lake's files name each other at the new place",
    "sources_replayed": "every other server stands at its position",
    "anchored": "the lake follows the restored servers",
    "proved": "everything was compared, the mark is still there",
}

VARIABLE = "TIDEWRIGHT_BACKUP_FAULT"


def from_environment(environ: Mapping[str, str]) -> Fault:
    """``none``, or a fault that kills this process at the point the environment names."""
    return faults.named(environ, VARIABLE, POINTS)
