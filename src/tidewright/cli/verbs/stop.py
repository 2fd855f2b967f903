"""``stop``: end all processes of an environment; everything else stays."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output


@click.command()
@options.environment_argument
@options.file
@click.option(
    "--release", is_flag=True,
    help="Give the replication slot back too; the next up copies all tables anew.",
)  # fmt: skip
def command(environment: str | None, env: str | None, file: Path, release: bool) -> None:
    """Stop ENVIRONMENT in order. Data, slot, ports and secrets stay for the next up."""
    talk = api.Talk(say=output.say, ask=lambda _: True)
    api.stop(file, options.named(environment, env), talk, give_back=release)
