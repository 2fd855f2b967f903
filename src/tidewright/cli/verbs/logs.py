"""``logs``: what services say, merged by time."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options

# A row's content must not move the cursor or forge a line. Tabs are harmless.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_SHOWN = "\N{REPLACEMENT CHARACTER}"


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@options.environment
@click.option("--file", type=click.Path(path_type=Path), default=Path(options.FILE), metavar="PATH",
              show_default=True, help="The platform file, or its folder.")  # fmt: skip
@click.option("--follow", "-f", "following", is_flag=True, help="Go on with new lines.")
@click.option("--since", metavar="TIME", help="Since 30s, 10m, 2h ago, or since a moment.")
@click.option("--grep", metavar="REGEX", help="Only lines that match.")
def command(
    services: tuple[str, ...],
    env: str | None,
    file: Path,
    following: bool,
    since: str | None,
    grep: str | None,
) -> None:
    """Show the logs of SERVICE, of all services when none is named; `supervisor` is one too."""
    wanted = api.Wanted(services, since, grep)
    with contextlib.suppress(KeyboardInterrupt):
        for line in api.logs(file, env, wanted, follow=following):
            click.echo(f"{line.stamp} {line.service:<14} {_CONTROL.sub(_SHOWN, line.text)}")
