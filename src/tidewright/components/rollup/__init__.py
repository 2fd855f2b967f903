"""The rollup worker: ClickHouse's tables and views, kept in the marts database."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="rollup",
    title="Tidewright rollup",
    role="tables kept from a stream",
    why="ClickHouse has no package for this machine; the same SQL file is kept in PostgreSQL, "
    "each batch in one transaction with its position",
    claims=(components.Need("catalog", "read"), components.Need("marts")),
    runs=("rollup",),
)
