"""The refresh runner: dbt models on one pinned commit, checks, and marts in one transaction.

Models run on DuckDB in its own process, or on Trino where the engines are native.
"""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="refresh",
    title="Tidewright refresh (dbt on DuckDB or Trino)",
    role="transform, check and publish",
    why="dbt on DuckDB runs the same models as dbt on Trino, inside one process",
    claims=(components.Need("catalog", "read"), components.Need("marts")),
    runs=("model", "check", "publish"),
    engines=("embedded", "native"),
    supplier="dbt Labs; DuckDB Foundation; Tidewright",
)
