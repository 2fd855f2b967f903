"""``explain ENGINE``: who plays it, which guides have it, what was corrected, every setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.assemble import catalog
from tidewright.model import components, native, values
from tidewright.model import platform as nouns
from tidewright.operations import project


@dataclass(frozen=True, slots=True)
class EngineService:
    """One of its services; ``ports`` by name."""

    name: str
    does: str
    after: tuple[str, ...]
    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One file that it reads. Addresses, folders and secrets are names between < and >."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class EngineExplanation:
    """One component in one environment. ``memory_mb``: what its services take, about."""

    name: str
    title: str
    role: str
    why: str
    environment: str
    guides: tuple[str, ...]
    corrections: tuple[str, ...]
    programs: tuple[str, ...]
    java: str
    memory_mb: int
    supplier: str
    licence: str
    services: tuple[EngineService, ...]
    settings: tuple[Setting, ...]


def engine_names() -> tuple[str, ...]:
    """What can be asked for."""
    return tuple(c.name for c in catalog.all_components())


def explain_engine(name: str, file: Path, environment: str | None = None) -> EngineExplanation:
    """Everything about one component. Raises SpecError when it does not run there."""
    found = project.load(file, environment)
    component = catalog.component(name)
    mine = [s for s in found.platform.services if s.component == name]
    if not mine:
        there = sorted({s.component for s in found.platform.services})
        what = f"{name} does not run in {found.environment}"
        hint = f"There: {', '.join(there)}. Another environment: --env NAME."
        where = errors.Where(f"explain {name}")
        raise errors.SpecError((errors.Finding("cli.not_there", what, where, hint),))
    return EngineExplanation(
        name=name,
        title=component.title,
        role=component.role,
        why=component.why,
        environment=found.environment,
        guides=component.guides,
        corrections=component.corrections,
        programs=tuple(_program(p) for p in component.programs),
        java=_java(component.java),
        memory_mb=component.memory_mb,
        supplier=component.supplier,
        licence=component.licence,
        services=tuple(EngineService(s.name, s.role, s.needs, s.ports) for s in mine),
        settings=tuple(setting for s in mine for setting in _settings(s)),
    )


def _program(program: components.Program) -> str:
    lines = program.lock.read_text(encoding="utf-8").splitlines()
    sizes = [int(line.split()[1]) for line in lines if line.strip() and not line.startswith("#")]
    pinned = f"{len(sizes)} files of {sum(sizes) / 1e6:.0f} MB, each pinned by its SHA-256"
    return f"{program.title}: {pinned}"


def _java(java: components.Java | None) -> str:
    if java is None:
        return ""
    return (
        f"Java {java.oldest} to {java.newest} of this machine, else {java.pinned.title} from PyPI"
    )


def _settings(service: nouns.Service) -> Iterator[Setting]:
    """The files of a service, whoever writes them: the target, or its own launcher."""
    for name, text in service.process.files.items():
        yield Setting(name, _shown(text.parts))
    job = service.process.job
    launch = job.launch if isinstance(job, native.JobManagerJob) else job
    files: Mapping[str, values.Private] = (
        launch.files if isinstance(launch, native.LaunchJob) else {}
    )
    for name, private in files.items():
        yield Setting(f"{service.name}/{name}", _shown(private.parts))


def _shown(parts: Sequence[str | int | values.Ref | values.Folder | values.Secret]) -> str:
    return "".join(map(_part, parts))


def _part(part: str | int | values.Ref | values.Folder | values.Secret) -> str:
    match part:
        case values.Ref(service, port, prop):
            return f"<{prop} of {service}.{port}>"
        case values.Folder(root, path):
            return f"<{root}>/{path}" if path else f"<{root}>"
        case values.Secret(name):
            return f"<secret {name}>"
        case _:
            return str(part)
