"""``init``: a platform file from an example, or from a database that is already there."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import output


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--example", metavar="NAME", help="Start from this example.")
def command(folder: Path | None, example: str | None) -> None:
    """Write a platform file into DIR, which is made when it does not exist."""
    if example is None:
        raise click.UsageError(f"name an example: --example {' | '.join(api.examples())}")
    made = api.init_from_example(example, folder)
    for name in made.files:
        click.echo(made.folder / name)
    output.say(f"Next: cd {made.folder} && tidewright up")
