"""The named points at which a crash of a run is tried, in the order they are passed."""

from __future__ import annotations

from collections.abc import Mapping

# In the child, but the first and those of merge and drop: they are the runner's.
POINTS: Mapping[str, str] = {
    "run_made": "the branch is made, nothing runs",
    "run_asset": "an asset has returned, its rows are staged",
    "run_data_written": "data files and manifests are written, not synced",
    "run_synced": "every file of the branch is on disk",
    "run_pointed": "the branch points at what was written",
    "audit_begun": "the checks are loaded",
    "audit_done": "the checks have answered, nobody knows",
    "audit_judged": "the branch is green or red",
    "merge_begun": "the branch is green, its merge not begun",
    "merge_before_end": "inside the merge's transaction, before its commit",
    "merged": "the merge is in the database, its answer not yet used",
    "drop_begun": "a branch is about to be dropped",
    "dropped": "the branch is dropped, its files still there",
    "sweep_unlinked": "some files of a branch that is gone are removed",
}
