"""``destroy``: remove an environment with all its data, after a typed word."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tidewright import api, errors
from tidewright.cli import options, output


@click.command()
@options.environment_argument
@options.file
@options.yes
@options.non_interactive
@click.option(
    "--keep-source", is_flag=True, help="Leave slot and publication at a source of your own."
)
def command(
    environment: str | None,
    env: str | None,
    file: Path,
    yes: bool,
    non_interactive: bool,
    keep_source: bool,
) -> None:
    """Remove ENVIRONMENT: its databases, lake, secrets and logs, and what it made at a source."""
    name = options.named(environment, env)
    talk = api.Talk(say=output.say, ask=lambda _: True)
    left = api.never_up(file, name)
    if left is not None:
        if not yes:
            _agree("destroy", f"This removes {left.root}.", interactive=not non_interactive)
        api.forget(left, talk)
        return
    found = api.environment(file, name)
    if not yes:
        _agree(found.applied.name, api.losses(found), interactive=not non_interactive)
    api.destroy(found, talk, keep_source=keep_source)


def _agree(word: str, losses: str, *, interactive: bool) -> None:
    output.say(losses)
    typed = None
    if interactive and sys.stdin.isatty():
        typed = click.prompt(f"Type {word} to go on", default="", show_default=False, err=True)
    if typed != word:
        what = f"the word {word} was not typed; nothing was removed"
        raise errors.Refused("local.not_agreed", what, "destroy", "Type it, or agree with --yes.")
