"""The refresh runner: dbt models on one pinned commit, checks, and marts in one transaction."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="refresh",
    title="Tidewright refresh (dbt on DuckDB)",
    role="transform, check and publish",
    why="dbt on DuckDB runs the same models as dbt on Trino, inside one process",
    claims=(components.Need("catalog", "read"), components.Need("marts")),
    runs=("model", "check", "publish"),
    supplier="dbt Labs; DuckDB Foundation; Tidewright",
)
