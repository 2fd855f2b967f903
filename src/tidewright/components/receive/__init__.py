"""The endpoint for events: HTTP on loopback, judged by a JSON Schema, into a topic."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="receive",
    title="Tidewright receive",
    role="endpoint for events",
    why="at scale producers write to Kafka behind a balancer; here one small process takes them "
    "over HTTP and answers when they are committed",
    claims=(components.Need("topics"),),
    runs=("receive",),
)
