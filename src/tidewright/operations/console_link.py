"""``open``: a link that opens the console of a running environment, once."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from tidewright import errors
from tidewright.operations import console_keys, project, status
from tidewright.targets.local import driver


def console_link(file: Path, asked: str | None = None) -> str:
    """A fresh single-use link. Raises Refused when nothing runs that could be opened."""
    environment = project.environment(file, asked)
    endpoint = status.endpoints(environment).get("console")
    if endpoint is None or not driver.running(environment.place):
        raise errors.Refused(
            "console.not_running",
            "the console does not run",
            f"environment {environment.name}",
            "Start the environment with `tidewright up`.",
        )
    return console_keys.link(environment.place.secrets, urlsplit(endpoint["url"]).port or 80)
