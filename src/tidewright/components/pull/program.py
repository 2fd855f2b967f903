"""The pull as a plain process, and the interface that a script plays where the file names one."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "pull"
SOURCE = "workload-pull"
PORT = "http"


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """One of each. The file's check has already refused a second pull stage."""
    found: list[nouns.Service] = []
    for stage in binding.stages:
        if isinstance(stage, flows.Pull):
            found.append(_puller(binding, stage))
            if stage.workload is not None:
                found.append(_source(stage, stage.workload))
    return tuple(found)


def _puller(binding: components.Binding, stage: flows.Pull) -> nouns.Service:
    status = values.Folder("run", f"mover-{NAME}.json")
    played = stage.workload is not None
    host, port = values.Ref(SOURCE, PORT, "host"), values.Ref(SOURCE, PORT, "port")
    job = jobs.PullJob(
        name=NAME,
        pull=stage,
        topics=binding.connections["topics.own"],
        project=values.Folder("project"),
        secrets=values.Folder("secrets"),
        status=status,
        url=values.Join(("http://", host, ":", port)) if played else None,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.pull", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=job)
    return nouns.Service(
        name=NAME,
        role=f"pulls events into {stage.topic}",
        component="pull",
        process=process,
        probe=nouns.Heartbeat(status, 15.0),
        needs=(*binding.after, *((SOURCE,) if played else ())),
    )


def _source(stage: flows.Pull, script: str) -> nouns.Service:
    """An interface that answers over HTTP, played by a script of the user."""
    job = jobs.ServeJob(
        script=values.Folder("project", script),
        rate=stage.rate,
        folder=values.Folder("data", SOURCE),
        port=values.Ref(SOURCE, PORT, "port"),
        status=values.Folder("run", f"{SOURCE}.json"),
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.serve", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{SOURCE}/job.json")), job=job)
    return nouns.Service(
        name=SOURCE,
        role="plays the interface that is pulled",
        component="pull",
        process=process,
        ports=(PORT,),
        probe=nouns.Http(PORT, "/healthz"),
        live=True,
    )
