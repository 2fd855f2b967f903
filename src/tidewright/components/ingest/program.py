"""The runner of assets as a plain process, and beside it the script that makes files arrive."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "ingest"
GENERATOR = f"workload-{NAME}"
LANDING = values.Folder("data", "landing")


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The runner, and the workload where the step names one."""
    stage = next((s for s in binding.stages if isinstance(s, flows.Ingest)), None)
    if stage is None:
        return ()
    runner = _runner(binding, stage)
    return (runner,) if stage.workload is None else (_generator(stage, stage.workload), runner)


def _runner(binding: components.Binding, stage: flows.Ingest) -> nouns.Service:
    status = values.Folder("run", f"mover-{NAME}.json")
    job = jobs.IngestJob(
        name=flows.INGEST,
        ingest=stage,
        audits=tuple(s for s in binding.stages if isinstance(s, flows.Audit)),
        lake=jobs.Lake(binding.connections["catalog.own"], values.Folder("lake")),
        project=values.Folder("project"),
        landing=LANDING,
        secrets=values.Folder("secrets"),
        status=status,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.ingest", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=job)
    return nouns.Service(
        name=NAME,
        role="runs assets on branches, audits and merges them",
        component="ingest",
        process=process,
        probe=nouns.Heartbeat(status, 15.0),
        needs=binding.after,
    )


def _generator(stage: flows.Ingest, script: str) -> nouns.Service:
    status = values.Folder("run", f"{GENERATOR}.json")
    job = jobs.GeneratorJob(values.Folder("project", script), stage.rate, LANDING, status)
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.ingest.generator", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{GENERATOR}/job.json")), job=job)
    return nouns.Service(
        name=GENERATOR,
        role="makes files arrive, as the outside world would",
        component="ingest",
        process=process,
        probe=nouns.Heartbeat(status, 15.0),
        live=True,
    )
