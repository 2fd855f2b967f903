"""Kafka Connect with Debezium: follows a source into topics, and what its flow needs deployed.

``settings`` has the worker's and the connector's configuration once, ``program`` how they run.
"""

from __future__ import annotations

from pathlib import Path

from tidewright.clients import jdk
from tidewright.model import components

PROGRAM = components.Program(
    "connect", "Kafka Connect with Debezium 3.6", Path(__file__).with_name("programs.lock")
)
COMPONENT = components.Component(
    name="connect",
    title="Debezium 3.6 in Kafka Connect 4.3",
    role="capture",
    why="the guide's change capture; Connect keeps its offsets in Kafka, in one transaction with "
    "the changes",
    claims=(components.Need("source", "capture"), components.Need("source", "own")),
    runs=("capture",),
    extras=("native",),
    programs=(PROGRAM,),
    java=jdk.JAVA_21,
    memory_mb=500,
    engines=("native",),
    along=("kafka", "objects", "flink", "trino"),
    guides=("003",),
    corrections=(
        "X-33: the raw table is made in Flink's SQL with names and partitions that Iceberg has",
    ),
    supplier="The Debezium community and the Apache Software Foundation",
)
