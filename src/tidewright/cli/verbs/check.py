"""``check``: the file, in every environment or one."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output


@click.command()
@options.file
@options.environment
@options.output
def command(file: Path, env: str | None, output_form: str) -> None:
    """Check the platform file and show everything that is wrong with it at once.

    With a source of your own whose URL is stored, the source is checked as well.
    """
    found = api.check(file, env)
    names = ", ".join(found.environments)
    data = {"ok": True, "platform": found.platform, "environments": found.environments,
            "findings": []}  # fmt: skip
    output.emit(data, output_form, f"{file}: {found.platform} ({names}) has no findings.")
