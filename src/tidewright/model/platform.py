"""What runs: services with their program form, probes, ports, claims and grants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tidewright.model import jobs, values


@dataclass(frozen=True, slots=True)
class Tcp:
    """Healthy when the port accepts a connection."""

    port: str


@dataclass(frozen=True, slots=True)
class Http:
    """Healthy when GET ``path`` answers 200, and ``says`` is in what it answers."""

    port: str
    path: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """Healthy when the command exits with 0."""

    argv: tuple[values.Value, ...]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Healthy when the status file says ``healthy`` and is younger than ``max_age`` seconds."""

    file: values.Value
    max_age: float


Probe: TypeAlias = Tcp | Http | Command | Heartbeat


@dataclass(frozen=True, slots=True)
class Prepare:
    """A command that must have succeeded once before the service starts.

    ``creates`` must appear at once (a rename), since a crash may come at any moment.

    ``creates``: it is skipped when this file exists. ``stdin_secret``: a secret fed to it, over
    a pipe that belongs to the account that runs it (initdb opens /dev/stdin by name).
    """

    argv: tuple[values.Value, ...]
    creates: values.Value
    stdin_secret: values.Secret | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """The program form: how a service runs as a plain process.

    ``files``: rendered before each start, path -> text. ``job``: rendered to ``job_file`` as
    canonical JSON. ``drops_root``: as root, run under the unprivileged account. ``pid_file``:
    where the program notes its pid and refuses to start while that process seems to live.
    """

    argv: tuple[values.Value, ...]
    files: Mapping[str, values.Join] = field(default_factory=dict)
    prepare: tuple[Prepare, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    job: jobs.Job | None = None
    drops_root: bool = False
    stop_signal: Literal["TERM", "INT"] = "TERM"
    stop_seconds: float = 10.0
    pid_file: values.Value | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """One thing that runs. ``task`` services run to exit code 0; their dependents wait for it.

    ``needs``: services that must be healthy (or done) first, on every target.
    ``live``: a change of ``process.job`` alone is re-read by the process without a restart.
    ``patience``: seconds beyond the usual that its first start may take.
    """

    name: str
    role: str
    component: str
    process: Process
    kind: Literal["server", "task"] = "server"
    ports: tuple[str, ...] = ()
    probe: Probe | None = None
    needs: tuple[str, ...] = ()
    live: bool = False
    patience: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """What a component needs inside another's capability: here, a database.

    ``access``: ``own`` creates and writes, ``capture`` follows changes, ``read`` only reads.
    """

    claimant: str
    capability: Literal["database"]
    provider: str
    name: str
    access: Literal["own", "capture", "read"] = "own"


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a claim: a credential, an edge and a creation step follow from it."""

    claim: Claim
    user: str
    password: values.Secret


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Something a user may connect to. ``secret`` is a name for ``connect --secret NAME``."""

    name: str
    service: str
    url: values.Join
    user: str | None
    secret: str | None


@dataclass(frozen=True, slots=True)
class Platform:
    """One environment, fully assembled and still free of addresses.

    ``secrets`` are made up by the platform, ``asked`` only the user can give.
    """

    name: str
    environment: str
    target: str
    services: tuple[Service, ...]
    endpoints: tuple[Endpoint, ...]
    secrets: tuple[str, ...]
    grants: tuple[Grant, ...]
    asked: tuple[str, ...] = ()
