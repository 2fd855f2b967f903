"""``up``: make an environment what the file asks for."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output
from tidewright.errors import Refused

ADDITIONS = ("superset",)


@click.command()
@options.environment_argument
@options.file
@options.yes
@options.non_interactive
@click.option("--attach", is_flag=True, help="Stay in the foreground; Ctrl-C stops it.")
@click.option(
    "--example",
    metavar="NAME",
    help=f"In a folder without a file: begin with {'|'.join(api.examples())}.",
)
@click.option(
    "--with",
    "add",
    multiple=True,
    type=click.Choice(ADDITIONS),
    help="Run this too; later calls keep it. Superset: about 250 MB are installed once.",
)
@click.option(
    "--without",
    "remove",
    multiple=True,
    type=click.Choice(ADDITIONS),
    help="Run no longer what --with added; its data stays.",
)
@click.option(
    "--recopy",
    multiple=True,
    metavar="TABLE",
    help="Copy this table again; its raw log begins anew. May be repeated.",
)
@click.option(
    "--timeout", type=float, default=120.0, show_default=True, metavar="SECONDS",
    help="How long to wait until everything is healthy; the first start of Superset gets more.",
)  # fmt: skip
def command(
    environment: str | None,
    env: str | None,
    file: Path,
    yes: bool,
    non_interactive: bool,
    attach: bool,
    example: str | None,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    recopy: tuple[str, ...],
    timeout: float,
) -> None:
    """Converge ENVIRONMENT to the platform file: print the difference, do it, wait for health.

    It asks before anything would be lost. A detached supervisor stays; `tidewright stop` ends it.
    """
    interactive = not non_interactive
    _begin(file, example, interactive=interactive)
    talk = api.Talk(say=output.say, ask=lambda q: output.ask(q, yes=yes, interactive=interactive))
    wish = api.Additions(add, remove, recopy)
    name = options.named(environment, env)
    found = api.up(file, name, talk, timeout, attach=attach, wish=wish)
    if recopy:
        there = api.environment(file, name)
        losing = api.losing(there, recopy)
        if losing:
            _agree(losing, talk)
        api.recopy(there, recopy)
        output.say(f"Copying again: {', '.join(recopy)}.")
    if not attach:
        count = len(found.status.services)
        output.say(f"Healthy after {found.seconds:.1f} s ({count} services).")
        output.say("Next: tidewright open, tidewright status, tidewright connect, tidewright stop")


def _agree(tables: tuple[str, ...], talk: api.Talk) -> None:
    """A copy begins the raw log anew, so what it holds until now is given up."""
    names = ", ".join(tables)
    if not talk.ask(f"This gives up the raw history of {names} until now. Go on?"):
        raise Refused(
            "local.would_lose", f"going on would give up the raw history of {names}", "--recopy",
            "Agree with --yes, or keep a copy of the raw table first.",
        )  # fmt: skip


def _begin(file: Path, example: str | None, *, interactive: bool) -> None:
    """In a folder without a platform file, put an example there; the user says which."""
    folder = file if file.is_dir() else file.parent
    path = folder / options.FILE if file.is_dir() else file
    if path.exists() or path.name != options.FILE:
        return
    names = list(api.examples())
    if example is None and interactive and sys.stdin.isatty():
        output.say(f"There is no {options.FILE} here.")
        example = click.prompt("Begin with which example?", type=click.Choice(names), err=True)
    if example is None:
        return
    made = api.init_from_example(example, folder)
    output.say(f"Wrote {', '.join(made.files)}")
