"""Starting a connector of any kind, with its configuration and its secrets.

Of all but Airbyte's, secrets go by a pipe, never by an argument, the environment or a file.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tidewright.model import jobs
from tidewright.pipelines.load import airbyte, dlt, install, masking, running
from tidewright.pipelines.load.messages import Message
from tidewright.vault import files as vault

CHILD = "tidewright.pipelines.load.child"


class Asked(Protocol):
    """A connector at work: iterate ``messages``, then ``code`` is set; ``close`` ends it."""

    code: int | None

    def messages(self) -> Iterator[Message]: ...
    def close(self) -> None: ...


def start(
    job: jobs.LoadJob,
    do: str,
    streams: Sequence[str],
    states: Mapping[str, Any],
    tell: install.Tell = lambda line: None,
) -> Asked:
    """Ask the job's connector to ``read``, or for ``totals``. No streams: all of them.

    ``tell`` hears of an installation, which happens at the first start of a connector of others.
    """
    of = job.load.connector
    if of.kind == "airbyte":
        return airbyte.Airbyte(
            of.name, config(job), streams, states, job.load.timeout, Path(str(job.scratch)), tell,
            do, masking.Mask(_secrets(job)),
        )  # fmt: skip
    if of.kind == "dlt":
        return dlt.Dlt(
            Path(str(job.project)) / of.name, config(job), of.packages, streams, states,
            job.load.timeout, Path(str(job.scratch)), tell, do, masking.Mask(_secrets(job)),
        )  # fmt: skip
    return _light(job, do, streams, states)


def _light(
    job: jobs.LoadJob, do: str, streams: Sequence[str], states: Mapping[str, Any]
) -> running.Running:
    script = Path(str(job.project)) / job.load.connector.name
    request = {
        "do": do,
        "script": str(script),
        "config": config(job),
        "streams": list(streams),
        "states": dict(states),
    }
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    of = f"connector {job.load.connector.name}"
    found = running.Running(child, job.load.timeout, of, masking.Mask(_secrets(job)))
    found.ask(request)
    return found


def config(job: jobs.LoadJob) -> dict[str, Any]:
    """The connector's configuration with its secrets, and the address of the source we run."""
    found = _revealed(job.load.connector.config, lambda name: _secret(job, name))
    if job.url is not None:
        found = {"url": str(job.url), **found}
    return dict(found)


def _secrets(job: jobs.LoadJob) -> list[str]:
    """The values of all secrets that its configuration names."""
    names: list[str] = []
    _revealed(job.load.connector.config, names.append)
    return [_secret(job, name) for name in names]


def _secret(job: jobs.LoadJob, name: str) -> str:
    return vault.read(Path(str(job.secrets)), name)


def _revealed(value: Any, reveal: Callable[[str], Any]) -> Any:
    """The same with each ``{"secret": name}`` replaced by what ``reveal`` has for the name."""
    if isinstance(value, Mapping):
        if set(value) == {"secret"}:
            return reveal(str(value["secret"]))
        return {k: _revealed(v, reveal) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_revealed(v, reveal) for v in value]
    return value
