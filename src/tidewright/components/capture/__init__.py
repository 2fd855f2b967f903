"""The capture worker: follows a source into raw and current-state tables, in one commit.

What it does is in ``pipelines``; here is how it is asked to run.
"""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="capture",
    title="Tidewright capture",
    role="capture",
    why="Debezium, Kafka and Flink need a JVM; one process reads the same slot and commits "
    "every table together, exactly once",
    claims=(components.Need("catalog"), components.Need("source", "capture")),
    runs=("capture",),
)
