"""The rollup worker as a plain process."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "rollup"


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """One worker for each rollup stage; the file's check allows one."""
    stages = [s for s in binding.stages if isinstance(s, flows.Rollup)]
    return tuple(_service(binding, stage) for stage in stages)


def _service(binding: components.Binding, stage: flows.Rollup) -> nouns.Service:
    status = values.Folder("run", f"mover-{NAME}.json")
    every = binding.flow.stages
    receive = next(s for s in every if isinstance(s, flows.Receive) and s.to == stage.topic)
    cut = next((s for s in every if isinstance(s, flows.Sessions) and s.topic == stage.topic), None)
    job = jobs.RollupJob(
        name=NAME,
        stage=stage,
        lake=jobs.Lake(binding.connections["catalog.read"], values.Folder("lake")),
        marts=binding.connections["marts.own"],
        sql=values.Folder("project", stage.sql),
        schema=values.Folder("project", receive.schema),
        secrets=values.Folder("secrets"),
        status=status,
        sessions=values.Folder("lake", f"delta/{cut.to}/sessions") if cut else None,
        sessions_flow="sessions" if cut else "",
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.rollup", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=job)
    return nouns.Service(
        name=NAME,
        role=f"keeps the tables of {stage.sql}",
        component="rollup",
        process=process,
        probe=nouns.Heartbeat(status, 30.0),
        needs=binding.after,
    )
