"""``init``: a platform file from an example, or from a database that is already there."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tidewright import api
from tidewright.cli import output


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--example", metavar="NAME", help="Start from this example.")
@click.option(
    "--from",
    "url",
    metavar="URL",
    help="Write a file for this database: postgres://user@host:5432/name. Leave the password "
    "out: it is asked for, or read from a pipe.",
)
def command(folder: Path | None, example: str | None, url: str | None) -> None:
    """Write a platform file into DIR, by default a new folder named after the source."""
    if (example is None) == (url is None):
        names = " | ".join(api.examples())
        raise click.UsageError(f"name one of --example {names} and --from URL")
    if url is not None:
        made = api.init_from_database(_whole(url), folder)
    else:
        made = api.init_from_example(str(example), folder)
    for name in made.files:
        click.echo(made.folder / name)
    cd = f"cd {made.folder} && " if made.folder != Path() else ""
    output.say(f"Next: {cd}tidewright {'check' if url else 'up'}")


def _whole(url: str) -> str:
    """The URL with its password, which arguments should not hold: every account can see those."""
    if api.has_password(url):
        output.say("Warning: a password on the command line is seen by others; leave it out.")
        return url
    if sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, err=True))
    else:
        password = sys.stdin.readline().rstrip("\n")
    return api.with_password(url, password)
