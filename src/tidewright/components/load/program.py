"""The load worker as a plain process: one per load stage, named after where its rows go."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "load"
USUAL = "bronze"  # a load into the usual namespace is called by its kind alone
PORT = "http"


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The worker, and the source that a script plays, where the file names one."""
    found: list[nouns.Service] = []
    for stage in binding.stages:
        if isinstance(stage, flows.Load):
            found.append(_worker(binding, stage))
            if stage.connector.workload is not None:
                found.append(_source(stage, stage.connector.workload))
    return tuple(found)


def name_of(stage: flows.Load) -> str:
    """``load``, or ``load-files``: it follows from the step alone, wherever that stands."""
    return NAME if stage.to == USUAL else f"{NAME}-{stage.to}"


def source_of(stage: flows.Load) -> str:
    """The service that plays the source of a load."""
    return f"workload-{name_of(stage)}"


def _worker(binding: components.Binding, stage: flows.Load) -> nouns.Service:
    name, source = name_of(stage), source_of(stage)
    status = values.Folder("run", f"mover-{name}.json")
    played = stage.connector.workload is not None
    host, port = values.Ref(source, PORT, "host"), values.Ref(source, PORT, "port")
    job = jobs.LoadJob(
        name=stage.to,
        load=stage,
        lake=jobs.Lake(binding.connections["catalog.own"], values.Folder("lake")),
        project=values.Folder("project"),
        scratch=values.Folder("data", name),
        secrets=values.Folder("secrets"),
        status=status,
        url=values.Join(("http://", host, ":", port)) if played else None,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.load", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{name}/job.json")), job=job)
    return nouns.Service(
        name=name,
        role=f"pulls {stage.connector.name} into {stage.to}",
        component="load",
        process=process,
        probe=nouns.Heartbeat(status, 15.0),
        needs=(*binding.after, *((source,) if played else ())),
    )


def _source(stage: flows.Load, script: str) -> nouns.Service:
    """A source that answers over HTTP, played by a script of the user."""
    name = source_of(stage)
    job = jobs.ServeJob(
        script=values.Folder("project", script),
        rate=stage.connector.rate,
        folder=values.Folder("data", name),
        port=values.Ref(name, PORT, "port"),
        status=values.Folder("run", f"{name}.json"),
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.serve", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{name}/job.json")), job=job)
    return nouns.Service(
        name=name,
        role="plays the source that the connector asks",
        component="load",
        process=process,
        ports=(PORT,),
        probe=nouns.Http(PORT, "/healthz"),
        live=True,
    )
