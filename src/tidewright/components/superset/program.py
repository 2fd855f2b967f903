"""Superset as a plain process, on loopback, from a virtual environment of its own."""

from __future__ import annotations

from pathlib import Path

from tidewright.clients import extras
from tidewright.components import superset
from tidewright.components.superset import bundle
from tidewright.model import components, jobs, values
from tidewright.model import platform as nouns

NAME = "superset"
PORT = "http"
SCRIPT = Path(__file__).with_name("home") / "serve.py"
# The first start makes about 60 tables and a thousand permissions.
FIRST_START = 240.0


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The one Superset of an environment."""
    assert superset.COMPONENT.extra is not None
    host, port = values.Ref(NAME, PORT, "host"), values.Ref(NAME, PORT, "port")
    status = values.Folder("run", f"{NAME}.json")
    marts = binding.connections["marts.read"]
    job = jobs.SupersetJob(
        metadata=binding.connections["superset.own"],
        marts=marts,
        host=host,
        port=port,
        assets=values.Folder("config", f"{NAME}/assets"),
        admin=values.Secret("superset-admin"),
        key=values.Secret("superset-key"),
        cookie=f"superset-{binding.platform}-{binding.environment}",
        secrets=values.Folder("secrets"),
        status=status,
    )
    python = str(extras.python(superset.COMPONENT.extra))
    argv = (python, "-P", str(SCRIPT), "--job", values.Folder("config", f"{NAME}/job.json"))
    assets = bundle.assets(bundle.Asked(binding.platform, binding.flow.charts, marts))
    process = nouns.Process(
        argv=argv,
        files={f"{NAME}/assets/{path}": text for path, text in assets.items()},
        job=job,
        stop_seconds=15.0,
    )
    return (
        nouns.Service(
            name=NAME,
            role="charts and dashboards over the marts",
            component=NAME,
            process=process,
            ports=(PORT,),
            probe=nouns.Heartbeat(status, 30.0),
            needs=binding.after,
            patience=FIRST_START,
        ),
    )
