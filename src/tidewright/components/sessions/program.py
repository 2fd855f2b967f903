"""The sessions worker as a plain process."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "sessions"
DELTA = values.Folder("lake", "delta")


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """One worker for each sessions stage; the file's check allows one."""
    stages = [s for s in binding.stages if isinstance(s, flows.Sessions)]
    return tuple(_service(binding, stage) for stage in stages)


def _service(binding: components.Binding, stage: flows.Sessions) -> nouns.Service:
    status = values.Folder("run", f"mover-{NAME}.json")
    receive = next(
        s for s in binding.flow.stages if isinstance(s, flows.Receive) and s.to == stage.topic
    )
    job = jobs.SessionsJob(
        name=NAME,
        stage=stage,
        lake=jobs.Lake(binding.connections["catalog.read"], values.Folder("lake")),
        delta=DELTA,
        schema=values.Folder("project", receive.schema),
        secrets=values.Folder("secrets"),
        status=status,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.sessions", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=job)
    return nouns.Service(
        name=NAME,
        role=f"cuts {stage.topic} into sessions",
        component="sessions",
        process=process,
        probe=nouns.Heartbeat(status, 30.0),
        needs=binding.after,
    )
