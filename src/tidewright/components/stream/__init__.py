"""The stream step: SQL over the new events of a topic, into tables that are read by key."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="stream",
    title="Tidewright stream (SQL on DuckDB, keyed views in PostgreSQL)",
    role="stream",
    why="Spark and Cassandra need a JVM; micro-batches of SQL by position, and a view whose rows "
    "and position are one transaction, do the same here",
    claims=(
        components.Need("catalog", "read"),
        components.Need("keyed"),
        components.Need("keyed", "read"),
    ),
    runs=("stream",),
    supplier="Tidewright; DuckDB Foundation",
)
