"""The workload runner: a script of the user that keeps a managed source busy."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="workload",
    title="Tidewright workload",
    role="workload",
    why="a laptop has no customers; the script plays them, at a rate that can change while it runs",
    claims=(components.Need("source"),),
    runs=("workload",),
)
