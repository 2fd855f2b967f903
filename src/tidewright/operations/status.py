"""``status``: one answer about an environment, from the files that its processes write.

The shape is the contract of ``status -o json``; people and other tools build on it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from tidewright.model import observed, views
from tidewright.model import platform as nouns
from tidewright.operations import observing, state
from tidewright.targets.local import driver, ports, resolve

SCHEMA_VERSION = 1
# A service that stops is not ill, and a task that is done is not missing.
_WELL = ("running", "done")
# The supervisor writes each second. Silent for longer, it cannot write, or does not get to run.
_SILENT_MS = 15_000


def status(environment: state.Environment) -> dict[str, Any]:
    """The whole answer. Quick and read-only; needs no readable platform.yaml."""
    seen = observing.observe(environment.place.root)
    alive = driver.running(environment.place)
    services = _services(environment, seen, alive=alive)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "platform": environment.applied.name,
        "environment": environment.name,
        "state": overall(seen, alive=alive),
        "endpoints": endpoints(environment),
        "services": services,
        "flows": _flows(seen, alive=alive),
    }


def overall(seen: views.Observation, *, alive: bool) -> Literal["running", "degraded", "stopped"]:
    """Degraded: something is not healthy yet or any more, a check fails, a table has stopped."""
    supervisor = seen.supervisor
    if not alive or supervisor is None:
        return "stopped"
    well = supervisor.state == "running" and not _silent(seen)
    well = well and all(s.healthy and s.state in _WELL for s in supervisor.services)
    halted = [d for d in seen.datasets if d.state == "stopped"]
    failing = seen.refresh is not None and seen.refresh.state == "degraded"
    failing = failing or any(m.state == "degraded" for m in seen.movers.values())
    failing = failing or (seen.backup is not None and seen.backup.state == "degraded")
    return "running" if well and not halted and not failing else "degraded"


def endpoints(environment: state.Environment) -> dict[str, Any]:
    """What one may connect to, grouped by the dots in the names. A secret is a name here."""
    resolver = resolve.Resolver(environment.place, ports.read(environment.place.root))
    found: dict[str, Any] = {}
    for endpoint in environment.applied.endpoints:
        *groups, last = endpoint.name.split(".")
        at = found
        for group in groups:
            at = at.setdefault(group, {})
        at[last] = _endpoint(endpoint, resolver)
    return found


def _endpoint(endpoint: nouns.Endpoint, resolver: resolve.Resolver) -> dict[str, str | None]:
    return {
        "url": resolver.text(endpoint.url),
        "user": endpoint.user,
        "secret": endpoint.secret,
    }


def _services(
    environment: state.Environment, seen: views.Observation, *, alive: bool
) -> list[dict[str, Any]]:
    """As the supervisor says; without one nothing runs, whatever its last words were."""
    told = {s.name: s for s in seen.supervisor.services} if alive and seen.supervisor else {}
    if _silent(seen):
        told = {name: _unknown(s, seen, environment) for name, s in told.items()}
    return [
        _service(told.get(s.name) or _stopped(s))
        for s in sorted(environment.applied.services, key=lambda s: s.name)
    ]


def _silent(seen: views.Observation) -> bool:
    return seen.supervisor is not None and seen.at_ms - seen.supervisor.at_ms > _SILENT_MS


def _unknown(
    service: observed.ServiceState, seen: views.Observation, environment: state.Environment
) -> observed.ServiceState:
    """What was said last may be long untrue."""
    age = (seen.at_ms - seen.supervisor.at_ms) // 1000 if seen.supervisor else 0
    told = f"no news for {age} s; see whether the disk of {environment.place.root} is full"
    return replace(service, state="unhealthy", healthy=False, message=told)


def _stopped(service: nouns.Service) -> observed.ServiceState:
    return observed.ServiceState(
        service.name, service.role, "stopped", None, healthy=False, message=""
    )


def _service(service: observed.ServiceState) -> dict[str, Any]:
    return {
        "name": service.name,
        "role": service.role,
        "state": service.state,
        "pid": service.pid,
        "healthy": service.healthy,
        "message": service.message,
        "restarts": service.restarts,
    }


def _flows(seen: views.Observation, *, alive: bool) -> list[dict[str, Any]]:
    movers: list[observed.CaptureStatus | observed.MoverStatus] = list(seen.movers.values())
    if seen.capture is not None:
        movers.insert(0, seen.capture)
    return [_flow(d, mover, alive=alive) for mover in movers for d in mover.datasets]


def _flow(
    dataset: observed.DatasetState,
    mover: observed.CaptureStatus | observed.MoverStatus,
    *,
    alive: bool,
) -> dict[str, Any]:
    if isinstance(mover, observed.CaptureStatus):
        lag, fresh = mover.lag_bytes, mover.hops.get("source_to_lake")
    else:
        lag, fresh = None, next(iter(mover.hops.values()), None)  # it measures the hop it ends
    return {
        "dataset": dataset.dataset,
        "state": dataset.state if alive else "stopped",
        "rows": dataset.rows,
        "rate": dataset.rate if alive else 0.0,
        # A table that no commit touched since is as it was at each of them; not one that stopped.
        "position": dataset.position or (None if dataset.state == "stopped" else mover.position),
        "lag_bytes": lag if alive else None,
        "freshness_ms": _percentiles(fresh) if alive else None,
        "snapshot": dataset.snapshot,
        "message": dataset.message,
    }


def _percentiles(found: observed.Percentiles | None) -> dict[str, float] | None:
    return {"p50": found.p50, "p95": found.p95, "p99": found.p99} if found else None
