"""The endpoint as a plain process, and the script that plays its senders."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME = "receive"
PORT = "http"
TOKEN = values.Secret("events")


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The endpoint, and its workload where the file names one."""
    stages = [s for s in binding.stages if isinstance(s, flows.Receive)]
    return tuple(service for stage in stages for service in _both(binding, stage))


def _both(binding: components.Binding, stage: flows.Receive) -> Iterator[nouns.Service]:
    yield _endpoint(binding, stage)
    if stage.workload is not None:
        yield _sender(stage, stage.workload)


def _endpoint(binding: components.Binding, stage: flows.Receive) -> nouns.Service:
    status = values.Folder("run", f"mover-{NAME}.json")
    job = jobs.ReceiveJob(
        name=NAME,
        topics=binding.connections["topics.own"],
        path=stage.path,
        schema=values.Folder("project", stage.schema),
        topic=stage.to,
        rejects=stage.rejects,
        port=values.Ref(NAME, PORT, "port"),
        token=TOKEN,
        secrets=values.Folder("secrets"),
        status=status,
    )
    return nouns.Service(
        name=NAME,
        role=f"receives events into the topic {stage.to}",
        component="receive",
        process=nouns.Process(_argv("receive", NAME), job=job),
        ports=(PORT,),
        probe=nouns.Heartbeat(status, 15.0),
        needs=binding.after,
    )


def _sender(stage: flows.Receive, script: str) -> nouns.Service:
    name = f"workload-{stage.to}"
    status = values.Folder("run", f"{name}.json")
    host, port = values.Ref(NAME, PORT, "host"), values.Ref(NAME, PORT, "port")
    job = jobs.SenderJob(
        url=values.Join(("http://", host, ":", port, stage.path)),
        token=TOKEN,
        script=values.Folder("project", script),
        rate=stage.rate,
        ledger=values.Folder("data", name),
        secrets=values.Folder("secrets"),
        status=status,
    )
    return nouns.Service(
        name=name,
        role="sends events as visitors would",
        component="receive",
        process=nouns.Process(_argv("senders", name), job=job),
        probe=nouns.Heartbeat(status, 15.0),
        needs=(NAME,),
        live=True,
    )


def _argv(module: str, service: str) -> tuple[values.Value, ...]:
    start = (sys.executable, "-P", "-m", f"tidewright.pipelines.{module}", "--job")
    return (*start, values.Folder("config", f"{service}/job.json"))
