"""``open``: a link that opens the console once, in a browser where there is one."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output


@click.command()
@options.environment_argument
@options.file
@click.option("--print", "only_print", is_flag=True, help="Print the link; start no browser.")
def command(environment: str | None, env: str | None, file: Path, only_print: bool) -> None:
    """Open the console of ENVIRONMENT. The link works once, within a quarter of an hour."""
    link = api.console_link(file, options.named(environment, env))
    if only_print or not _has_browser():
        click.echo(link)
        return
    output.say("Opening the console; with --print you get the link instead.")
    webbrowser.open(link)


def _has_browser() -> bool:
    """A person sits at a graphical screen; a browser of the terminal would only be in the way."""
    screen = sys.platform == "darwin" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
    return screen and sys.stdout.isatty()
