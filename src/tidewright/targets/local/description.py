"""What the supervisor runs, fully resolved: ``services.json``.

Every value is plain text here except secrets, which stay names. The supervisor reads this file
and nothing else of ours; ``render`` writes it. Two descriptions are compared by ``definition``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from tidewright.model import codec

FILE = "services.json"
MARKER = "TIDEWRIGHT_ROOT"


@dataclass(frozen=True, slots=True)
class TcpProbe:
    port: int


@dataclass(frozen=True, slots=True)
class HttpProbe:
    port: int
    path: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class CommandProbe:
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeartbeatProbe:
    file: str
    max_age: float


Probe: TypeAlias = TcpProbe | HttpProbe | CommandProbe | HeartbeatProbe


@dataclass(frozen=True, slots=True)
class Preparation:
    """Run once before the service's first start; skipped when the file ``creates`` exists."""

    argv: tuple[str, ...]
    creates: str
    stdin_secret: str | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One service. ``files_digest`` stands for its rendered files, ``job_digest`` for its job,
    ``secrets_digest`` for the values of the user's own secrets that its job names.

    ``account``: the account it runs as when that is not ours. ``folder`` is its working folder,
    made before it starts. ``pid_file``: see ``spawn.forget_dead``.
    """

    name: str
    role: str
    kind: Literal["server", "task"]
    argv: tuple[str, ...]
    folder: str
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[Preparation, ...] = ()
    probe: Probe | None = None
    ports: tuple[int, ...] = ()
    needs: tuple[str, ...] = ()
    account: str | None = None
    pid_file: str | None = None
    stop_signal: Literal["TERM", "INT"] = "TERM"
    stop_seconds: float = 10.0
    live: bool = False
    files_digest: str = ""
    job_digest: str = ""
    secrets_digest: str = ""

    @property
    def definition(self) -> Unit:
        """What must be equal for a running process to stay: a live one re-reads its own job."""
        return replace(self, job_digest="") if self.live else self


@dataclass(frozen=True, slots=True)
class Description:
    """All services of one environment."""

    platform: str
    environment: str
    units: tuple[Unit, ...]
    schema_version: int = 1

    @property
    def digest(self) -> str:
        """What tells this description from any other."""
        return hashlib.sha256(codec.dumps(self).encode()).hexdigest()[:16]

    def unit(self, name: str) -> Unit | None:
        return next((u for u in self.units if u.name == name), None)

    def dependents(self, name: str) -> tuple[str, ...]:
        """Who names ``name`` among its needs."""
        return tuple(u.name for u in self.units if name in u.needs)


def read(root: Path) -> Description:
    """The description in ``root``. Raises OSError when absent, ValueError when it is damaged."""
    return codec.loads(Description, (root / FILE).read_text(encoding="utf-8"))
