"""``bench``: measure this machine, with the commands to repeat it."""

from __future__ import annotations

import click

from tidewright import api
from tidewright.cli import options, output


def _show(found: object, output_form: str) -> None:
    data = output.plain(found)
    summary = ", ".join(f"{name} {value}" for name, value in data["summary"].items())
    table = output.Table(data["columns"], data["rows"], frozenset(data["columns"]))
    output.emit(data, output_form, [table, summary, f"Repeat it with: {data['command']}"])


@click.group()
def command() -> None:
    """Measure this machine. Ratios come from one run; absolute figures are of this moment."""


@command.command()
@click.option("--changes", type=click.IntRange(10_000), default=2_000_000, show_default=True)
@click.option("--pairs", type=click.IntRange(1), default=5, show_default=True)
@options.output
def capture(changes: int, pairs: int, output_form: str) -> None:
    """Drain a backlog into both tables, in turn with pg_recvlogical to nothing."""
    _show(api.bench("capture", output.say, changes=changes, pairs=pairs), output_form)


@command.command()
@click.option("--commits", type=click.IntRange(100), default=2000, show_default=True)
@options.output
def commits(commits: int, output_form: str) -> None:
    """Commit latency at the last commits over that around commit 20."""
    _show(api.bench("commits", output.say, commits=commits), output_form)


@command.command()
@click.option("--rate", type=float, default=20_000, show_default=True, help="Events a second.")
@click.option("--seconds", type=float, default=60, show_default=True)
@options.output
def events(rate: float, seconds: float, output_form: str) -> None:
    """Receive events over HTTP, cut them into sessions and land them, for a while."""
    _show(api.bench("events", output.say, rate=rate, seconds=seconds), output_form)


@command.command()
@click.argument("platforms", nargs=-1, metavar="[PLATFORM]...")
@click.option("--rows", type=click.IntRange(20_000), default=100_000, show_default=True)
@click.option("--seconds", type=float, default=20, show_default=True)
@options.output
def guide(platforms: tuple[str, ...], rows: int, seconds: float, output_form: str) -> None:
    """The guides' own targets beside what is measured, for examples by name (none: all)."""
    found = api.bench("guide", output.say, platforms=platforms, rows=rows, seconds=seconds)
    _show(found, output_form)


@command.command()
@click.option("--rate", type=float, default=50_000, show_default=True, help="Inserts a second.")
@click.option("--seconds", type=float, default=120, show_default=True)
@options.output
def held(rate: float, seconds: float, output_form: str) -> None:
    """Hold a rate of narrow inserts, seen by a separate reader."""
    _show(api.bench("held", output.say, rate=rate, seconds=seconds), output_form)


@command.command()
@click.option("--rate", type=float, default=5_000, show_default=True, help="Events a second.")
@click.option("--seconds", type=float, default=30, show_default=True)
@options.output
def keyed(rate: float, seconds: float, output_form: str) -> None:
    """Read a view by key while events arrive."""
    _show(api.bench("keyed", output.say, rate=rate, seconds=seconds), output_form)


@command.command()
@click.option("--seconds", type=float, default=60, show_default=True)
@options.output
def idle(seconds: float, output_form: str) -> None:
    """Memory of everything, a while after it has caught up at rate 0."""
    _show(api.bench("idle", output.say, seconds=seconds), output_form)
