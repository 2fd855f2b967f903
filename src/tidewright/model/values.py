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
    ``config`` (rendered files), ``secrets``, ``logs``, ``lake`` (the warehouse), ``project``
    (where platform.yaml lies; read-only for services), or ``programs`` (what is not Python, shared
    by all platforms of an account).
    """

    root: Literal["data", "run", "config", "secrets", "logs", "lake", "project", "programs"]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """Text made of parts, resolved and glued by the target."""

    parts: tuple[str | Ref | Folder, ...]


@dataclass(frozen=True, slots=True)
class Private:
    """A file's text with secrets in it: they stay names until the program that reads it starts."""

    parts: tuple[str | int | Ref | Folder | Secret, ...]


Value: TypeAlias = str | Ref | Folder | Join
Number: TypeAlias = int | Ref
