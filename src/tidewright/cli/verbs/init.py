"""``init``: a platform file from an example, or from a source that is already there."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output, passwords

OWN = "my own PostgreSQL"


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--example", metavar="NAME", help="Start from this example.")
@click.option(
    "--from",
    "--source",
    "url",
    metavar="SOURCE",
    help="Write a file for this database, postgres://user@host:5432/name, or for a CSV or Parquet "
    "file or address. Leave the password out: it is asked for, or read from a pipe.",
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
            raise click.UsageError(f"name one of --example {names} and --from SOURCE")
        example, url, name = _asked(name)
    if url is not None:
        whole = passwords.whole(url, api.is_whole, ask=not non_interactive)
        made = api.init_from_source(whole, folder, name)
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
