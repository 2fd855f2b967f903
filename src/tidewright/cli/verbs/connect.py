"""``connect``: how to reach what runs; one secret alone on stdout; storing a secret."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output


@click.command()
@click.option("--secret", metavar="NAME", help="Print this secret alone on stdout.")
@click.option(
    "--set-secret", metavar="NAME", help="Store a secret: asked for hidden, or read from a pipe."
)
@options.file
@options.environment
@options.output
def command(
    secret: str | None, set_secret: str | None, file: Path, env: str | None, output_form: str
) -> None:
    """Show how to connect to what runs: psql, JDBC, DuckDB, pandas and PyIceberg."""
    if secret and set_secret:
        raise click.UsageError("--secret and --set-secret exclude each other")
    if set_secret:
        where = api.store_secret(file, set_secret, _hidden(set_secret), env)
        output.say(f"Stored {set_secret} for the environment {where}, readable by you alone.")
    elif secret:
        click.echo(api.secret(api.environment(file, env), secret))
    else:
        _show(api.connections(api.environment(file, env)), output_form)


def _show(found: api.Connections, form: str) -> None:
    table = output.Table(
        ("endpoint", "url", "user", "secret"),
        [(e.name, e.url, e.user, e.secret) for e in found.endpoints],
    )
    snippets = [f"# {s.into}, {s.reaches}\n{s.text}" for s in found.snippets]
    data = {
        "environment": found.environment,
        "endpoints": found.endpoints,
        "snippets": found.snippets,
    }
    output.emit(data, form, [table, *snippets])


def _hidden(name: str) -> str:
    """Never an argument: those are seen by every account and kept in the shell's history."""
    if sys.stdin.isatty():
        return str(click.prompt(f"{name}", hide_input=True, err=True)).strip()
    return sys.stdin.readline().strip()
