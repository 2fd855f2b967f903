"""Where a platform can run. A target is loaded by name, so that the others cost nothing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True)
class Support:
    """What a target can do. What it cannot is declared here, never tested by name elsewhere."""

    processes: bool = False
    containers: bool = False
    bundled_servers: bool = False
    replicas: bool = False
    survives_reboot: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A target's name, a line about it, and its abilities."""

    name: str
    title: str
    support: Support


TARGETS: Mapping[str, str] = {"local": "tidewright.targets.local"}


def load(name: str) -> Target:
    """The target called ``name``. Raises KeyError for one that we do not have."""
    return cast("Target", importlib.import_module(TARGETS[name]).TARGET)
