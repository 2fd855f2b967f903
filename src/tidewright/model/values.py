"""Values that stay references until a target renders them.

Only a target knows an address or a path, and a secret has no printable form at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Secret:
    """The name of a secret, never its value. ``vault`` turns it into text at the last moment."""

    name: str

    def __str__(self) -> str:
        return f"secret:{self.name}"


@dataclass(frozen=True, slots=True)
class Ref:
    """A property of a service that only the target knows: where one of its ports listens."""

    service: str
    port: str
    prop: Literal["host", "port"]


@dataclass(frozen=True, slots=True)
class Folder:
    """A path below one of the environment's own folders.

    ``root``: ``data`` (a service's volume; survives ``stop``), ``run`` (status and sockets),
    ``config`` (rendered files), ``secrets``, ``logs``, ``lake`` (the warehouse), or ``project``
    (where platform.yaml lies; read-only for services).
    """

    root: Literal["data", "run", "config", "secrets", "logs", "lake", "project"]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """Text made of parts, resolved and glued by the target."""

    parts: tuple[str | Ref | Folder, ...]


Value: TypeAlias = str | Ref | Folder | Join
Number: TypeAlias = int | Ref
