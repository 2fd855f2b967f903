"""The load worker: pulls a connector on a schedule into append-only tables.

What it does is in ``pipelines.load``; here is how it is asked to run.
"""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="load",
    title="Tidewright load",
    role="load",
    why="Airbyte's server needs Docker or Kubernetes; one process speaks the same protocol to the "
    "same connectors and commits rows and their state together, exactly once",
    claims=(components.Need("catalog"),),
    runs=("load",),
)
