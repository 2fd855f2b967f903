"""A platform as files: ``services.json``, and below ``config/`` each service's files and job.

Byte-stable: the same platform, layout and ports give the same bytes. Nothing is written here;
``driver.write`` does that. No secret is ever part of the result, only names.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import assert_never

from tidewright.model import codec, values
from tidewright.model import platform as nouns
from tidewright.targets.local import description, resolve

Program = Callable[[str], str]
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rendered:
    """``files``: path below the root -> content. ``accounts``: path -> who must read it."""

    description: description.Description
    files: Mapping[str, str]
    accounts: Mapping[str, str]


def render(
    platform: nouns.Platform,
    resolver: resolve.Resolver,
    program: Program = lambda path: path,
    fingerprints: Mapping[str, str] = _NONE,
) -> Rendered:
    """All files of an environment. ``program`` gives the path by which an account runs one.

    ``fingerprints``: of the secrets whose change means a restart, by name.
    """
    files: dict[str, str] = {}
    accounts: dict[str, str] = {}
    units = []
    for service in sorted(platform.services, key=lambda s: s.name):
        own, job = _files(service, resolver), _job(service, resolver)
        unit = _unit(service, resolver, program)
        known = {n: fingerprints[n] for n in sorted(secrets(service)) if n in fingerprints}
        units.append(
            dataclasses.replace(
                unit,
                files_digest=_digest(own),
                job_digest=_digest(job),
                secrets_digest=_digest(known),
            )
        )
        files |= own | job
        if unit.account:
            accounts |= dict.fromkeys((*own, *job), unit.account)
    described = description.Description(platform.name, platform.environment, tuple(units))
    files[description.FILE] = codec.pretty(described)
    return Rendered(described, dict(sorted(files.items())), accounts)


def job_file(service: str) -> str:
    """Where a service finds its job, below the root."""
    return f"config/{service}/job.json"


def secrets(noun: object) -> set[str]:
    """The names of all secrets that a service, or a whole platform, names."""
    found: set[str] = set()

    def collect(value: object) -> object:
        if isinstance(value, values.Secret):
            found.add(value.name)
        return value

    codec.transform(noun, collect)
    return found


def _files(service: nouns.Service, resolver: resolve.Resolver) -> dict[str, str]:
    found = service.process.files.items()
    return {f"config/{path}": resolver.text(text) for path, text in sorted(found)}


def _job(service: nouns.Service, resolver: resolve.Resolver) -> dict[str, str]:
    job = service.process.job
    return {} if job is None else {job_file(service.name): resolver.record(job)}


def _unit(service: nouns.Service, resolver: resolve.Resolver, program: Program) -> description.Unit:
    process = service.process
    account = resolver.layout.account if process.drops_root else None

    def words(argv: tuple[values.Value, ...]) -> tuple[str, ...]:
        first, *rest = (resolver.text(word) for word in argv)
        return (program(first) if account else first, *rest)

    return description.Unit(
        name=service.name,
        role=service.role,
        kind=service.kind,
        argv=words(process.argv),
        folder=str(resolver.layout.root / "data" / service.name),
        env=dict(sorted(process.env.items())),
        prepare=tuple(
            description.Preparation(
                argv=words(p.argv),
                creates=resolver.text(p.creates),
                stdin_secret=p.stdin_secret.name if p.stdin_secret else None,
            )
            for p in process.prepare
        ),
        probe=_probe(service, resolver, words),
        ports=tuple(resolver.port(service.name, port) for port in service.ports),
        needs=tuple(sorted(service.needs)),
        account=account,
        pid_file=resolver.text(process.pid_file) if process.pid_file else None,
        stop_signal=process.stop_signal,
        stop_seconds=process.stop_seconds,
        live=service.live,
    )


def _probe(
    service: nouns.Service,
    resolver: resolve.Resolver,
    words: Callable[[tuple[values.Value, ...]], tuple[str, ...]],
) -> description.Probe | None:
    match service.probe:
        case None:
            return None
        case nouns.Tcp(port):
            return description.TcpProbe(resolver.port(service.name, port))
        case nouns.Http(port, path, says):
            return description.HttpProbe(resolver.port(service.name, port), path, says)
        case nouns.Command(argv):
            return description.CommandProbe(words(argv))
        case nouns.Heartbeat(file, max_age):
            return description.HeartbeatProbe(resolver.text(file), max_age)
        case other:
            assert_never(other)


def _digest(files: Mapping[str, str]) -> str:
    if not files:
        return ""
    return hashlib.sha256(codec.dumps(files).encode()).hexdigest()[:16]
