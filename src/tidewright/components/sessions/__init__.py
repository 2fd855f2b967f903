"""The sessions worker: events by key and gap, landed in Delta tables."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="sessions",
    title="Tidewright sessions (Delta Lake)",
    role="sessions",
    why="Spark Streaming needs a JVM; one process cuts the same sessions and commits them with "
    "its position to the same kind of tables",
    claims=(components.Need("catalog", "read"),),
    runs=("sessions",),
    extras=("delta",),
    supplier="Tidewright; Delta Lake",
)
