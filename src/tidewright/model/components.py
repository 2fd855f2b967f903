"""What a component says of itself, and what it is asked to run.

A component package exports ``COMPONENT``; a form module in it (here only ``program``) turns a
``Binding`` into services. Not here: which components exist (``assemble.catalog``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from tidewright.model import flow as flows
from tidewright.model import values

Engines: TypeAlias = Literal["embedded", "native"]


@dataclass(frozen=True, slots=True)
class Need:
    """A claim before it is granted: a database of its own inside someone's capability.

    ``database``: ``source`` stands for the captured source's own one. ``access``: the role asked
    for; ``own`` creates and writes, ``capture`` follows changes, ``read`` only reads.
    """

    database: str
    access: Literal["own", "capture", "read"] = "own"


@dataclass(frozen=True, slots=True)
class Extra:
    """Packages that a component needs in a Python environment of their own, installed on demand.

    ``lock``: every package with its hash, wheels only but for ``sources``. ``pythons``: the
    minor versions of Python 3 that the packages have wheels for, the preferred one first.
    """

    name: str
    title: str
    lock: Path
    fetch_mb: int
    disk_mb: int
    seconds: int
    pythons: tuple[int, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """Files of a program that is not Python, each pinned by its SHA-256 in ``lock``."""

    name: str
    title: str
    lock: Path

    @property
    def folder(self) -> str:
        """Its folder below ``programs``: another lock is another folder."""
        return f"{self.name}-{hashlib.sha256(self.lock.read_bytes()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: one of these major versions on the machine, else the pinned one.

    ``inside``: where the pinned program has its home.
    """

    name: str
    oldest: int
    newest: int
    pinned: Program
    inside: str


@dataclass(frozen=True, slots=True)
class Component:
    """One component: what it is for, what it claims, who makes it, and how long it is kept up.

    ``makes``: secrets that it needs besides those of its claims, made up at the first ``up``.
    ``extras``: packages beyond the base installation, as ``operations.extras`` calls them.
    ``programs`` and ``java``: what its services are made of. ``memory_mb``: what they take, about.
    ``engines``: where it can run stages; ``along``: the components that it needs there.
    ``guides``: those that have it; ``corrections``: what they say that cannot work, and what is
    done instead.
    """

    name: str
    title: str
    role: str
    why: str
    provides: tuple[str, ...] = ()
    claims: tuple[Need, ...] = ()
    runs: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    extra: Extra | None = None
    extras: tuple[str, ...] = ()
    programs: tuple[Program, ...] = ()
    java: Java | None = None
    memory_mb: int = 0
    engines: tuple[Engines, ...] = ("embedded",)
    along: tuple[str, ...] = ()
    guides: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()
    supplier: str = "Tidewright"
    licence: str = "Apache-2.0"
    end_of_life: str | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """A script of the user that works on a managed source, at ``rate`` changes per second."""

    source: str
    script: str
    rate: float


@dataclass(frozen=True, slots=True)
class Binding:
    """What one component is asked to run, with its claims already granted.

    ``connections``: by database and access, for example ``catalog.own``. ``after``: services
    that must be healthy or done first. ``engines``: what runs the flow.
    """

    platform: str
    environment: str
    file: str
    flow: flows.Flow
    stages: tuple[flows.Stage, ...]
    connections: Mapping[str, flows.Connection]
    after: tuple[str, ...]
    workloads: tuple[Workload, ...] = ()
    engines: str = "embedded"


@dataclass(frozen=True, slots=True)
class Server:
    """A database server to run: ``logical`` when changes are read from it."""

    name: str
    role: str
    admin: values.Secret
    logical: bool
    settings: Mapping[str, str] = field(default_factory=dict)
