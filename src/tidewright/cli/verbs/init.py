"""``init``: a platform file from an example, or from a database that is already there."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output

OWN = "my own PostgreSQL"


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--example", metavar="NAME", help="Start from this example.")
@click.option(
    "--from",
    "--source",
    "url",
    metavar="URL",
    help="Write a file for this database: postgres://user@host:5432/name. Leave the password "
    "out: it is asked for, or read from a pipe.",
)
@click.option("--name", metavar="NAME", help="What the platform is called.")
@options.non_interactive
def command(
    folder: Path | None,
    example: str | None,
    url: str | None,
    name: str | None,
    non_interactive: bool,
) -> None:
    """Write a platform file into DIR, by default a new folder named after the platform.

    On a terminal it asks for what was not said.
    """
    if example is not None and url is not None:
        raise click.UsageError("name one of --example and --from, not both")
    if example is None and url is None:
        if non_interactive or not _is_terminal():
            names = " | ".join(api.examples())
            raise click.UsageError(f"name one of --example {names} and --from URL")
        example, url, name = _asked(name)
    if url is not None:
        made = api.init_from_database(_whole(url, ask=not non_interactive), folder, name)
    else:
        made = api.init_from_example(str(example), folder, name)
    for file in made.files:
        click.echo(made.folder / file)
    cd = f"cd {made.folder} && " if made.folder != Path() else ""
    output.say(f"Next: {cd}tidewright {'check' if url else 'up'}")


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _asked(name: str | None) -> tuple[str | None, str | None, str | None]:
    """Example or URL, and the platform's name, from somebody at a terminal."""
    offered = [*api.examples(), OWN]
    for number, what in enumerate(offered, 1):
        output.say(f"  {number}  {what}")
    kind = click.IntRange(1, len(offered))
    chosen = offered[click.prompt("Begin with", type=kind, default=1, err=True) - 1]
    url = None
    if chosen == OWN:
        url = str(click.prompt("Its URL, such as postgres://user@host:5432/name", err=True))
    if name is None:
        given = click.prompt("Name of the platform (empty: as there)", default="", err=True,
                             show_default=False)  # fmt: skip
        name = str(given).strip() or None
    return (None if url else chosen), url, name


def _whole(url: str, *, ask: bool) -> str:
    """The URL with its password, which arguments should not hold: every account can see those."""
    if api.has_password(url):
        output.say("Warning: a password on the command line is seen by others; leave it out.")
        return url
    if ask and _is_terminal():
        password = str(click.prompt("Password", hide_input=True, err=True))
    else:
        password = sys.stdin.readline().rstrip("\n")
    return api.with_password(url, password)
