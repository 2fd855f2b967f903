"""``status``: what runs, where to connect, and how fresh each table is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tidewright import api
from tidewright.cli import options, output

_COLOURS = {"running": "green", "degraded": "yellow", "stopped": "red"}


@click.command()
@options.environment_argument
@options.file
@options.output
def command(environment: str | None, env: str | None, file: Path, output_form: str) -> None:
    """Show services, endpoints and freshness of ENVIRONMENT. Secrets are shown by name only."""
    found = api.status(file, options.named(environment, env))
    output.emit(found, output_form, _parts(found))


def _parts(found: Mapping[str, Any]) -> Iterator[output.Table | str]:
    state = output.paint(found["state"], _COLOURS[found["state"]])
    yield f"{found['platform']}/{found['environment']} is {state}"
    yield output.Table(
        ("service", "state", "pid", "message"),
        [(s["name"], s["state"], s["pid"], _told(s)) for s in found["services"]],
        frozenset({"pid"}),
    )
    if found["flows"]:
        columns = ("dataset", "state", "rows", "rows/s", "fresh p95", "position")
        rows = [_flow(f) for f in found["flows"]]
        yield output.Table(columns, rows, frozenset({"rows", "rows/s", "fresh p95"}))
    halted = [
        f["dataset"]
        for f in found["flows"]
        if f["state"] == "stopped" and f["message"] and _is_captured(f)
    ]
    yield from _remedy(halted, found)
    yield output.Table(("endpoint", "url", "user", "secret"), list(_endpoints(found["endpoints"])))


def _told(service: Mapping[str, Any]) -> str:
    """Its message in one line, however many it has."""
    return " ".join((service["message"] or service["role"]).split())


def _remedy(halted: Sequence[str], found: Mapping[str, Any]) -> Iterator[str]:
    """A table that stopped by itself, not with everything else, needs a new copy."""
    if halted and found["state"] != "stopped":
        tables = " ".join(f"--recopy {name}" for name in halted)
        yield f"Stopped tables are copied again, with a new raw log, by: tidewright up {tables}"


def _is_captured(flow: Mapping[str, Any]) -> bool:
    """Whether it follows a log, whose positions are two numbers; a load goes on by itself."""
    return "/" in (flow["position"] or "/")


def _flow(flow: Mapping[str, Any]) -> tuple[object, ...]:
    fresh = flow["freshness_ms"]
    shown = f"{fresh['p95']:.0f} ms" if fresh else None
    rate = f"{flow['rate']:.0f}"
    return flow["dataset"], flow["state"], flow["rows"], rate, shown, flow["position"]


def _endpoints(
    found: Mapping[str, Any], before: str = ""
) -> Iterator[tuple[object, object, object, object]]:
    for name, value in found.items():
        if "url" in value:
            yield f"{before}{name}", value["url"], value["user"], value["secret"]
        else:
            yield from _endpoints(value, f"{before}{name}.")
