"""The components by name, loaded only when an environment uses them.

A component is a package with ``COMPONENT`` and one module for each form; adding one is a row here.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

from tidewright.model import components
from tidewright.model import platform as nouns

COMPONENTS: Mapping[str, str] = {
    "postgres": "tidewright.components.postgres",
    "capture": "tidewright.components.capture",
    "ingest": "tidewright.components.ingest",
    "load": "tidewright.components.load",
    "pull": "tidewright.components.pull",
    "stream": "tidewright.components.stream",
    "receive": "tidewright.components.receive",
    "sessions": "tidewright.components.sessions",
    "rollup": "tidewright.components.rollup",
    "refresh": "tidewright.components.refresh",
    "workload": "tidewright.components.workload",
    "console": "tidewright.components.console",
    "backup": "tidewright.components.backup",
    "superset": "tidewright.components.superset",
    "kafka": "tidewright.components.kafka",
    "connect": "tidewright.components.connect",
    "objects": "tidewright.components.objects",
    "flink": "tidewright.components.flink",
    "trino": "tidewright.components.trino",
}


def component(name: str) -> components.Component:
    """What a component says of itself."""
    return cast("components.Component", importlib.import_module(COMPONENTS[name]).COMPONENT)


def all_components() -> tuple[components.Component, ...]:
    """Every component, in the table's order."""
    return tuple(component(name) for name in COMPONENTS)


def runners(kind: str, engines: str) -> tuple[components.Component, ...]:
    """The components that can run a kind of stage on these engines."""
    return tuple(c for c in all_components() if kind in c.runs and engines in c.engines)


def services(name: str, binding: components.Binding) -> tuple[nouns.Service, ...]:
    """A component's services in its program form."""
    return cast("tuple[nouns.Service, ...]", form(name, "program").services(binding))


def form(name: str, kind: str) -> Any:
    """One form of a component, as its module."""
    return importlib.import_module(f"{COMPONENTS[name]}.{kind}")
