"""``explain``: who plays each role and why, what is derived from the file; or what a code means."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.assemble import build, catalog, flows
from tidewright.errors import tables
from tidewright.model import components, jobs
from tidewright.model import flow as flow_nouns
from tidewright.operations import project


@dataclass(frozen=True, slots=True)
class Role:
    """Who plays a role in this environment, and why."""

    role: str
    player: str
    why: str
    runs: tuple[str, ...]
    supplier: str
    licence: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A name that follows from the file and is written nowhere in it."""

    what: str
    name: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One environment, explained."""

    platform: str
    environment: str
    roles: tuple[Role, ...]
    derived: tuple[Derived, ...]
    services: tuple[tuple[str, str, tuple[str, ...]], ...]
    goals: flow_nouns.Goals


@dataclass(frozen=True, slots=True)
class CodeExplanation:
    """One error code, as its page says it."""

    code: str
    title: str
    cause: str
    remedy: str


def explain(file: Path, environment: str | None = None) -> Explanation:
    """Who plays each role in an environment."""
    found = project.load(file, environment)
    flow = flows.flow(found.spec)
    return Explanation(
        platform=found.platform.name,
        environment=found.environment,
        roles=tuple(_roles(found, flow)),
        derived=tuple(_derived(found, flow)),
        services=tuple((s.name, s.role, s.needs) for s in found.platform.services),
        goals=flow.goals,
    )


# What people ask about by name: title, how it is, what to do.
_BI = (
    "Charts and dashboards",
    "The charts of the file are drawn by the console, and by a BI tool where one is asked for. "
    "Superset runs on this target from PyPI alone. Metabase does not: it needs a JVM, which this "
    "target does not bring.",
    "Add Superset with `tidewright up --with superset`, or write engines: {bi: superset}. Any "
    "other tool can read the marts with what `tidewright connect` prints.",
)
TOPICS = {"bi": _BI, "superset": _BI, "metabase": _BI}


def explain_code(name: str) -> CodeExplanation:
    """What an error code or a role in the file means. Raises SpecError for an unknown one."""
    if name in TOPICS:
        return CodeExplanation(name, *TOPICS[name])
    known = tables.all_codes()
    entry = known.get(name)
    if entry is None:
        close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)
        hint = f"Close to it: {', '.join(close)}." if close else f"Known: {', '.join(known)}."
        where = errors.Where(f"explain {name}")
        finding = errors.Finding("cli.no_such_code", f"no error has the code {name}", where, hint)
        raise errors.SpecError((finding,))
    return CodeExplanation(name, entry.title, entry.cause, entry.remedy)


def _roles(found: project.Project, flow: flow_nouns.Flow) -> Iterator[Role]:
    postgres = catalog.component("postgres")
    servers = tuple(s.name for s in found.platform.services if s.component == "postgres")
    yield _role(postgres, tuple(s for s in servers if not s.startswith("grants-")))
    for bound in build.bind(found.spec, flow):
        names = tuple(
            s.name for s in found.platform.services if s.component == bound.component.name
        )
        if names:
            yield _role(bound.component, names)


def _role(component: components.Component, runs: tuple[str, ...]) -> Role:
    return Role(
        component.role, component.title, component.why, runs, component.supplier, component.licence
    )


def _derived(found: project.Project, flow: flow_nouns.Flow) -> Iterator[Derived]:
    for source in flow.sources:
        yield Derived(f"replication slot at {source.name}", source.slot)
        yield Derived(f"publication at {source.name}", source.publication)
    for stage in flow.stages:
        if isinstance(stage, flow_nouns.Capture):
            for table in stage.tables:
                yield Derived(f"current state of {table}", table)
                raw = f"{stage.raw_namespace}.{table.partition('.')[2]}"
                yield Derived(f"raw changes of {table}", raw)
        if isinstance(stage, flow_nouns.Load):
            for stream in stage.streams:
                yield Derived(f"records of the stream {stream}", f"{stage.to}.{stream}")
    for service in found.platform.services:
        if isinstance(service.process.job, jobs.GrantsJob):
            for database in service.process.job.databases:
                yield Derived(f"database by {service.name}", database.name)
    for name in found.platform.secrets:
        yield Derived("secret, made up at the first up", name)
    for name in found.platform.asked:
        yield Derived("secret, given by you", name)
