"""The workload runner as a plain process: one per managed source that names a script."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import platform as nouns


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """One runner per workload."""
    return tuple(_service(binding, w) for w in binding.workloads)


def _service(binding: components.Binding, workload: components.Workload) -> nouns.Service:
    name = f"workload-{workload.source}"
    status = values.Folder("run", f"{name}.json")
    job = jobs.WorkloadJob(
        source=binding.connections[f"{workload.source}.own"],
        script=values.Folder("project", workload.script),
        rate=workload.rate,
        secrets=values.Folder("secrets"),
        status=status,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.workload", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{name}/job.json")), job=job)
    return nouns.Service(
        name=name,
        role=f"works on {workload.source} as its customers would",
        component="workload",
        process=process,
        probe=nouns.Heartbeat(status, 15.0),
        needs=(f"grants-{workload.source}",),
        live=True,
    )
