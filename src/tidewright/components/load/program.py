"""The load worker as a plain process: one per load stage."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "load"
SOURCE = "workload-load"
PORT = "http"


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The worker, and the source that a script plays, where the file names one."""
    found: list[nouns.Service] = []
    for stage in binding.stages:
        if isinstance(stage, flows.Load):
            found.append(_worker(binding, stage))
            if stage.connector.workload is not None:
                found.append(_source(stage.connector, stage.connector.workload))
    return tuple(found)


def _worker(binding: components.Binding, stage: flows.Load) -> nouns.Service:
    status = values.Folder("run", f"mover-{NAME}.json")
    played = stage.connector.workload is not None
    host, port = values.Ref(SOURCE, PORT, "host"), values.Ref(SOURCE, PORT, "port")
    job = jobs.LoadJob(
        name=stage.to,
        load=stage,
        lake=jobs.Lake(binding.connections["catalog.own"], values.Folder("lake")),
        project=values.Folder("project"),
        scratch=values.Folder("data", NAME),
        secrets=values.Folder("secrets"),
        status=status,
        url=values.Join(("http://", host, ":", port)) if played else None,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.load", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=job)
    return nouns.Service(
        name=NAME,
        role=f"pulls {stage.connector.name} into {stage.to}",
        component="load",
        process=process,
        probe=nouns.Heartbeat(status, 15.0),
        needs=(*binding.after, *((SOURCE,) if played else ())),
    )


def _source(connector: flows.Connector, script: str) -> nouns.Service:
    """A source that answers over HTTP, played by a script of the user."""
    job = jobs.ServeJob(
        script=values.Folder("project", script),
        rate=connector.rate,
        folder=values.Folder("data", SOURCE),
        port=values.Ref(SOURCE, PORT, "port"),
        status=values.Folder("run", f"{SOURCE}.json"),
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.serve", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{SOURCE}/job.json")), job=job)
    return nouns.Service(
        name=SOURCE,
        role="plays the source that the connector asks",
        component="load",
        process=process,
        ports=(PORT,),
        probe=nouns.Http(PORT, "/healthz"),
        live=True,
    )
