"""Apache Flink: one application cluster that lands the topics in Iceberg, exactly once.

``settings`` has its configuration once, ``program`` how JobManager and TaskManager run.
"""

from __future__ import annotations

from pathlib import Path

from tidewright.clients import jdk
from tidewright.model import components

PROGRAM = components.Program(
    "flink", "Flink 2.1.1 with Iceberg 1.11", Path(__file__).with_name("programs.lock")
)
COMPONENT = components.Component(
    name="flink",
    title="Apache Flink 2.1",
    role="stream",
    why="the guide's stream engine; 2.1 is the newest that Iceberg has a runtime for",
    provides=("stream job",),
    claims=(components.Need("catalog"),),
    programs=(PROGRAM,),
    java=jdk.JAVA_21,
    memory_mb=2000,
    engines=("native",),
    guides=("003",),
    corrections=(
        "X-46: one JobManager; the next one begins at the newest complete checkpoint by itself",
    ),
    supplier="The Apache Software Foundation",
)
