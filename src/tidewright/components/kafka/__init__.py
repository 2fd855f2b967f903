"""Apache Kafka, in KRaft mode: the log between capture and the stream job.

``settings`` has the broker's configuration once, ``program`` how it runs as a plain process.
"""

from __future__ import annotations

from pathlib import Path

from tidewright.clients import jdk
from tidewright.model import components

PROGRAM = components.Program("kafka", "Kafka 4.3.1", Path(__file__).with_name("programs.lock"))
COMPONENT = components.Component(
    name="kafka",
    title="Apache Kafka 4.3",
    role="log",
    why="the guide's log; KRaft, because ZooKeeper mode left Kafka in 4.0",
    provides=("topic",),
    programs=(PROGRAM,),
    java=jdk.JAVA_21,
    memory_mb=450,
    engines=("native",),
    guides=(
        "001",
        "002",
        "003",
    ),
    corrections=(
        "X-03: ZooKeeper mode left Kafka in 4.0; broker and controller run as KRaft",
        "X-11: copies 1 with one broker; 3, and 2 in sync, need three",
        "X-54: no balancer in front of brokers; clients reach each at the address it advertises",
    ),
    supplier="The Apache Software Foundation",
)
