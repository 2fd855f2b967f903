"""A checked file and the catalog make a platform: bind stages, grant claims, list what runs.

Pure. Everything stays a reference; a target gives addresses and paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tidewright import errors
from tidewright.assemble import backups, catalog, claims, endpoints, flows
from tidewright.model import components
from tidewright.model import flow as flow_nouns
from tidewright.model import platform as nouns
from tidewright.spec import load

# What runs in every environment although no stage asks for it.
ALWAYS = ("console",)
NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Bound:
    """A component and the stages that it runs in this environment."""

    component: components.Component
    stages: tuple[flow_nouns.Stage, ...]


def build(spec: load.Spec) -> nouns.Platform:
    """The whole environment. Raises SpecError for a stage that nobody, or two, can run."""
    flow = flows.flow(spec)
    bound = bind(spec, flow)
    grants = claims.granted(spec, (b.component for b in bound))
    reached = claims.connections(spec, grants)
    services = (*claims.servers(spec, grants), *_services(spec, flow, bound, grants, reached))
    services = (*services, *backups.services(spec, services))
    offered = endpoints.endpoints(spec, services)
    return nouns.Platform(
        name=spec.document.platform,
        environment=spec.environment,
        target=spec.target,
        services=services,
        endpoints=offered,
        secrets=_secrets(services, grants, offered, bound),
        grants=grants,
        asked=tuple(sorted({*_asked(flow), *backups.asked_for(spec)})),
    )


def extras(spec: load.Spec) -> tuple[components.Extra, ...]:
    """What has to be installed before the environment can start."""
    found = (b.component.extra for b in bind(spec, flows.flow(spec)))
    return tuple(extra for extra in found if extra is not None)


def bind(spec: load.Spec, flow: flow_nouns.Flow) -> tuple[Bound, ...]:
    """Each stage to exactly one runner, and the components that run without a stage."""
    chosen: dict[str, list[flow_nouns.Stage]] = {}
    findings = []
    for n, stage in enumerate(flow.stages):
        kind = flows.KINDS[type(stage)]
        able = catalog.runners(kind, spec.engines)
        if len(able) == 1:
            chosen.setdefault(able[0].name, []).append(stage)
        else:
            findings.append(_unbound(spec, n, kind, able))
    if findings:
        raise errors.SpecError(tuple(findings))
    if spec.engines == NATIVE:
        _refuse_own_sources(spec)
    for name in [along for n in chosen for along in catalog.component(n).along]:
        chosen.setdefault(name, [])
    if flows.workloads(spec):
        chosen.setdefault("workload", [])
    for name in ALWAYS:
        chosen.setdefault(name, [])
    if flows.has_bi(spec):
        chosen.setdefault(flows.BI, [])
    # A database needs an owner even when its only user reads: the console reads the marts.
    chosen.setdefault("refresh", [])
    return tuple(Bound(catalog.component(n), tuple(stages)) for n, stages in chosen.items())


def _refuse_own_sources(spec: load.Spec) -> None:
    """Debezium at a database of the user's own: TLS, its slot and giving it back come later."""
    own = [n for n, s in spec.document.sources.items() if s.postgres.url is not None]
    if own:
        what = f"the native engines follow managed sources only so far, and {own[0]} is your own"
        where = spec.where("sources", own[0], "postgres", "url")
        hint = f"Use engines: embedded in {spec.environment}, which follows it."
        raise errors.UnsupportedFile((errors.Finding("file.not_yet", what, where, hint),))


def _services(
    spec: load.Spec,
    flow: flow_nouns.Flow,
    bound: tuple[Bound, ...],
    grants: tuple[nouns.Grant, ...],
    reached: Mapping[str, flow_nouns.Connection],
) -> Iterator[nouns.Service]:
    for one in bound:
        mine = (g for g in grants if g.claim.claimant == one.component.name)
        after = tuple(dict.fromkeys(claims.task(g.claim.provider) for g in mine))
        binding = components.Binding(
            platform=spec.document.platform,
            environment=spec.environment,
            file=spec.path.name,
            flow=flow,
            stages=one.stages,
            connections=reached,
            after=after,
            workloads=flows.workloads(spec),
            engines=spec.engines,
        )
        yield from catalog.services(one.component.name, binding)


def _secrets(
    services: tuple[nouns.Service, ...],
    grants: tuple[nouns.Grant, ...],
    offered: tuple[nouns.Endpoint, ...],
    bound: tuple[Bound, ...],
) -> tuple[str, ...]:
    """The names of all secrets that the platform makes up itself."""
    first = [p.stdin_secret.name for s in services for p in s.process.prepare if p.stdin_secret]
    names = [*first, *(g.password.name for g in grants), *(e.secret for e in offered if e.secret)]
    names += [name for one in bound for name in one.component.makes]
    return tuple(sorted(set(names)))


def _asked(flow: flow_nouns.Flow) -> tuple[str, ...]:
    """The names of the secrets that only the user can give."""
    urls = (s.connection.url for s in flow.sources)
    loads = (s.connector.config for s in flow.stages if isinstance(s, flow_nouns.Load))
    named = {url.name for url in urls if url is not None}
    return tuple(sorted(named.union(*(_secrets_in(config) for config in loads))))


def _secrets_in(value: object) -> set[str]:
    """The names behind ``{secret: NAME}`` in a connector's configuration."""
    if isinstance(value, Mapping):
        if set(value) == {"secret"}:
            return {str(value["secret"])}
        return set().union(*(_secrets_in(v) for v in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(_secrets_in(v) for v in value))
    return set()


def _unbound(
    spec: load.Spec, n: int, kind: str, able: tuple[components.Component, ...]
) -> errors.Finding:
    where = spec.where("flow", n)
    if not able:
        what = f"nothing can run {kind} in {spec.environment} (engines: {spec.engines})"
        hint = f"Leave the step out here: give run.{spec.environment} a flow of its own."
        return errors.Finding("file.no_runner", what, where, hint)
    names = ", ".join(c.name for c in able)
    what = f"{names} can all run {kind}, and the environment does not say which"
    return errors.Finding("file.two_runners", what, where, "Name one under engines.")
