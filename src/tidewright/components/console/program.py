"""The console as a plain process. It needs nobody, since it shows what is wrong with the rest."""

from __future__ import annotations

import sys

from tidewright.model import components, jobs, values
from tidewright.model import platform as nouns

NAME = "console"
PORT = "http"
TOKEN = "console-token"  # noqa: S105  the name of a secret


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The one console of an environment."""
    catalog = binding.connections["catalog.read"]
    job = jobs.ConsoleJob(
        platform_file=values.Folder("project", binding.file),
        environment=binding.environment,
        state=values.Folder("run", ".."),
        port=values.Ref(NAME, PORT, "port"),
        secrets=values.Folder("secrets"),
        platform=binding.platform,
        lake=jobs.Lake(catalog, values.Folder("lake")),
        marts=binding.connections["marts.read"],
        charts=binding.flow.charts,
    )
    argv = (sys.executable, "-P", "-m", "tidewright.console", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{NAME}/job.json")), job=job)
    return (
        nouns.Service(
            name=NAME,
            role="shows what runs and how fresh it is",
            component="console",
            process=process,
            ports=(PORT,),
            probe=nouns.Http(PORT, "/healthz"),
        ),
    )
