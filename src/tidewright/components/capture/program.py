"""The capture worker as a plain process: one per captured source."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "capture"


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The worker. The file's check has already refused a second capture stage."""
    stages = [s for s in binding.stages if isinstance(s, flows.Capture)]
    return tuple(_service(binding, stage) for stage in stages)


def _service(binding: components.Binding, stage: flows.Capture) -> nouns.Service:
    source = next(s for s in binding.flow.sources if s.name == stage.source)
    status = values.Folder("run", f"{NAME}.json")
    job = jobs.CaptureJob(
        name=stage.source,
        source=source,
        capture=stage,
        lake=jobs.Lake(binding.connections["catalog.own"], values.Folder("lake")),
        secrets=values.Folder("secrets"),
        status=status,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.worker", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=job)
    return nouns.Service(
        name=NAME,
        role=f"follows {stage.source} into the lake",
        component="capture",
        process=process,
        probe=nouns.Heartbeat(status, 15.0),
        needs=binding.after,
        live=True,
    )
