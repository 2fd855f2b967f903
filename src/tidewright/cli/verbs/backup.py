"""``backup``: make, list, check and forget recovery points."""

from __future__ import annotations

import time
from pathlib import Path

import click

from tidewright import api
from tidewright.cli import failures, options, output
from tidewright.errors import PromiseBroken

_TO = click.option("--to", metavar="FOLDER", help="Another place than the file's, or ../backups.")
_KEY = click.option(
    "--key", type=click.Path(path_type=Path), metavar="FILE",
    help="The recovery key; else the one beside the file.",
)  # fmt: skip


@click.group()
def command() -> None:
    """Recovery points over every store: databases, lake, files and secrets, all at one cut."""


@command.command()
@options.environment_argument
@options.file
@options.output
@_TO
def create(
    environment: str | None, env: str | None, file: Path, output_form: str, to: str | None
) -> None:
    """Make a recovery point now. The environment goes on meanwhile."""
    place = api.environment(file, options.named(environment, env))
    began = time.monotonic()
    point = api.backup_create(place, output.say, to)
    seconds = round(time.monotonic() - began, 1)
    exact = all(f.exact for f in point.flows)
    data = {
        "id": point.id, "at_ms": point.at_ms, "bytes": point.bytes, "added": point.added,
        "seconds": seconds, "exact": exact, "flows": point.flows,
        "servers": [{"name": s.name, "target": s.target} for s in point.servers],
    }  # fmt: skip
    text = f"{point.id}: {point.bytes:,} bytes, {point.added:,} of them new, {seconds} s"
    output.emit(data, output_form, text)


@command.command("list")
@options.environment_argument
@options.file
@options.output
@options.elsewhere
@_TO
@_KEY
def list_points(
    environment: str | None, env: str | None, file: Path, output_form: str, source: str | None,
    endpoint: str, region: str, to: str | None, key: Path | None,
) -> None:  # fmt: skip
    """Show the recovery points, oldest first. One that cannot be trusted says why."""
    name = options.named(environment, env)
    found = api.backup_list(api.PointsWish(file, name, to, source, key, endpoint, region))
    rows = [(p.id, _ago(p.at_ms), p.bytes, p.added, p.problem or _kind(p.exact)) for p in found]
    names = ("point", "age", "bytes", "new bytes", "state")
    table = output.Table(names, rows, frozenset(names[1:4]))
    output.emit({"points": found}, output_form, table)


@command.command()
@click.argument("point", default="latest")
@options.environment
@options.file
@options.output
@options.elsewhere
@_TO
@_KEY
def verify(
    point: str, env: str | None, file: Path, output_form: str, source: str | None,
    endpoint: str, region: str, to: str | None, key: Path | None,
) -> int:  # fmt: skip
    """Read every byte of POINT (an id, a time, or latest). Exits with 7 on any doubt."""
    asked = api.PointsWish(file, env, to, source, key, endpoint, region)
    found = api.backup_verify(asked, point, output.say)
    lines = [(f.code, f.what, str(f.where)) for f in found.findings]
    data = {
        "ok": not lines, "point": found.id, "bytes": found.bytes, "secrets": found.secrets,
        "findings": [{"code": c, "what": w, "where": at} for c, w, at in lines],
    }  # fmt: skip
    opened = "" if found.secrets else " The secrets were not opened: the recovery key is elsewhere."
    told = f"{found.id}: every byte is as it was put there.{opened}"
    output.emit(
        data, output_form, output.Table(("code", "what", "where"), lines) if lines else told
    )
    if not lines:
        return 0
    first = found.findings[0]
    return failures.tell(PromiseBroken(first.code, first.what, first.where, first.hint))


@command.command()
@options.environment_argument
@options.file
@options.output
@_TO
def prune(
    environment: str | None, env: str | None, file: Path, output_form: str, to: str | None
) -> None:
    """Forget the points that the file's retention does not keep, and what only they needed."""
    found = api.backup_prune(api.environment(file, options.named(environment, env)), to)
    text = f"Forgot {len(found.points)} points and {found.blobs:,} files ({found.bytes:,} bytes)."
    if found.unreadable:
        text += f" No file goes while these cannot be read: {', '.join(found.unreadable)}"
    data = {
        "points": found.points, "files": found.blobs, "bytes": found.bytes,
        "unreadable": found.unreadable,
    }  # fmt: skip
    output.emit(data, output_form, text)


def _ago(at_ms: int | None) -> str:
    if at_ms is None:
        return "-"
    seconds = time.time() - at_ms / 1000
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _kind(exact: bool | None) -> str:
    return "exact" if exact else "some tables are copied again"
