"""The scheduled pull: a Python file of the user, its events in a topic, its state beside them."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="pull",
    title="Tidewright pull",
    role="pull",
    why="Airflow schedules such a task in a cluster; here a process keeps the time, and the state "
    "is committed with the events, so that a kill repeats nothing",
    claims=(components.Need("topics"),),
    runs=("pull",),
)
