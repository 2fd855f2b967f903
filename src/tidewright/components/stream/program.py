"""The stream step as a plain process."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "stream"


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """One. The file's check has already refused a second stream stage."""
    stages = [s for s in binding.stages if isinstance(s, flows.Stream)]
    return tuple(_service(binding, stage) for stage in stages)


def _service(binding: components.Binding, stage: flows.Stream) -> nouns.Service:
    status = values.Folder("run", f"mover-{NAME}.json")
    capture = next(s for s in binding.flow.stages if isinstance(s, flows.Capture))
    job = jobs.StreamJob(
        name=NAME,
        stream=stage,
        flow=capture.source,
        raw=f"{capture.raw_namespace}.{stage.topic}",
        lake=jobs.Lake(binding.connections["catalog.read"], values.Folder("lake")),
        keyed=binding.connections["keyed.own"],
        project=values.Folder("project"),
        secrets=values.Folder("secrets"),
        status=status,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.stream", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=job)
    return nouns.Service(
        name=NAME,
        role=f"routes {stage.topic} into {stage.accepted} and its views",
        component="stream",
        process=process,
        probe=nouns.Heartbeat(status, 15.0),
        needs=binding.after,
    )
