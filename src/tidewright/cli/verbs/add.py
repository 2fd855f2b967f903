"""``add``: something more in a platform file that is there."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output, passwords


@click.group()
def command() -> None:
    """Add something of yours to the platform file; its comments and its order stay."""


@command.command()
@click.argument("source", metavar="SOURCE")
@click.option("--name", metavar="NAME", help="The table's name (of a database: the source's).")
@click.option("--to", metavar="NAME", help="The namespace of its table.  [default: files, or web]")
@click.option(
    "--every", metavar="DURATION", help="How often to look at it.  [default: 5s; of an address 1m]"
)
@options.file
@options.environment
@options.non_interactive
@options.output
def source(
    source: str,
    name: str | None,
    to: str | None,
    every: str | None,
    file: Path,
    env: str | None,
    non_interactive: bool,
    output_form: str,
) -> None:
    """Add orders.csv, FILE.parquet, https://... or postgres://... to the platform.

    Prints what it changed. Nothing is written when the outcome would not pass `check`. Leave a
    password out: it is asked for, or read from a pipe, and kept as a secret of the environment.
    """
    given = passwords.whole(source, api.is_whole, ask=not non_interactive)
    added = api.add_source(file, api.SourceWish(given, name, to, every), env)
    for note in added.notes:
        output.say(note)
    told = {"tables": added.tables, "rows": added.rows, "diff": added.diff,
            "written": added.written, "secret": added.secret, "notes": added.notes,
            "environment": added.environment}  # fmt: skip
    output.emit(told, output_form, added.diff)
    output.say(f"Wrote {', '.join(added.written)}" + _kept(added))
    if added.rows is not None:
        output.say(f"Read {added.rows:,} rows; they arrive in {', '.join(added.tables)}.")
    asked = f"select count(*) from {added.tables[0]}"  # noqa: S608  printed, not run
    output.say(f'Next: tidewright up, then tidewright query "{asked}"')


def _kept(added: api.Added) -> str:
    return f"; the address is kept as the secret {added.secret}" if added.secret else ""
