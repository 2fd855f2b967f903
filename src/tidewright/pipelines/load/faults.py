"""The named points at which a crash of the load worker is tried, in the order they are passed."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.pipelines.core import faults

POINTS: Mapping[str, str] = {
    "opened": "the lease is taken and the last commit's state read",
    "connector_started": "the connector runs, nothing is read",
    "page_read": "a page and its state are in memory",
    "page_staged": "rows are staged as data files",
    **{p: faults.POINTS[p] for p in ("data_written", "synced", "staged", "before_swap", "swapped")},
    "committed": "rows and state are known to be in the lake",
    "synced_all": "the sync is over, its status not yet told",
}
