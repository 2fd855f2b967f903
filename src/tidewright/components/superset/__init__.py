"""Apache Superset, the real one: charts for people over the marts of a platform.

``bundle`` compiles the charts of the file into what Superset itself imports, ``program`` says how
it runs as a plain process, and ``home`` has the two scripts that run in Superset's own virtual
environment. ``requirements.in`` says why a package is pinned; ``.ci/lock`` resolves it.
"""

from __future__ import annotations

from pathlib import Path

from tidewright.model import components

COMPONENT = components.Component(
    name="superset",
    title="Apache Superset 6.1",
    role="charts and dashboards",
    why="the guides' BI tool, and one that runs from PyPI alone; Metabase would need a JVM",
    provides=("bi",),
    claims=(components.Need("superset"), components.Need("marts", "read")),
    makes=("superset-admin", "superset-key"),
    extra=components.Extra(
        name="superset",
        title="Apache Superset",
        lock=Path(__file__).with_name("requirements.lock"),
        fetch_mb=250,
        disk_mb=750,
        seconds=90,
        pythons=(11, 12),
        sources=("odfpy", "wtforms-json"),
    ),
    supplier="The Apache Software Foundation",
)
