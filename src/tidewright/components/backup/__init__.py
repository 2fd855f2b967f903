"""Backups on a schedule: one recovery point over every store of the environment."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="backup",
    title="Tidewright backup",
    role="recovery points over every store",
    provides=("recovery points",),
    why="one cut over databases, lake and files; no tool for one of them alone can give that",
)
