"""The console: what runs and how fresh it is, in a browser; and the read-only catalog front."""

from __future__ import annotations

from tidewright.model import components

COMPONENT = components.Component(
    name="console",
    title="Tidewright console",
    role="console and catalog front",
    why="operations only; charts for people are the job of a BI tool on the marts",
    claims=(components.Need("catalog", "read"), components.Need("marts", "read")),
    runs=("console",),
)
