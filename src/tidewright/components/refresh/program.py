"""The refresh runner as a plain process: one for the flow's model, check and publish stages."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, native, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "refresh"
# On Trino a refresh is a hundred small queries, of which each takes planning: without a pause they
# would take the processors from the engines that bring the rows.
PACE_ON_TRINO = 5.0


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The runner, or nothing when the flow has no model stage."""
    transform = next((s for s in binding.stages if isinstance(s, flows.Transform)), None)
    lands = binding.flow.lands
    if transform is None or not lands:
        return ()
    return (_service(binding, transform, lands),)


def _service(
    binding: components.Binding, transform: flows.Transform, lands: tuple[str, ...]
) -> nouns.Service:
    status = values.Folder("run", f"{NAME}.json")
    on_trino = binding.engines == "native"
    job = jobs.RefreshJob(
        lands=lands,
        lake=jobs.Lake(binding.connections["catalog.read"], values.Folder("lake")),
        marts=binding.connections["marts.own"],
        transform=transform,
        checks=tuple(s for s in binding.stages if isinstance(s, flows.Check)),
        publish=tuple(s for s in binding.stages if isinstance(s, flows.Publish)),
        project=values.Folder("project"),
        scratch=values.Folder("data", NAME),
        secrets=values.Folder("secrets"),
        status=status,
        every=PACE_ON_TRINO if on_trino else 1.0,
        trino=native.Trino(native.TRINO, native.OBJECTS) if on_trino else None,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.refresh", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=job)
    return nouns.Service(
        name=NAME,
        role="keeps the marts fresh",
        component="refresh",
        process=process,
        probe=nouns.Heartbeat(status, 30.0),
        needs=(*(("trino",) if on_trino else ()), *binding.after),
    )
