"""Assets on a branch of the catalog: run, audited with Pandera, merged into main."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="ingest",
    title="Tidewright assets (Pandera on a branch)",
    role="assets, audit and merge",
    why="Dagster, Nessie and Trino are three servers; here the same functions run on a branch that "
    "is pointers in the catalog's own database, and one transaction merges it",
    claims=(components.Need("catalog"),),
    runs=("ingest", "audit", "merge"),
    supplier="Tidewright; the Pandera project (Union.ai)",
)
