"""``check``: the file, in every environment or one, and the user's own source behind it."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import failures, options, output


@click.command()
@options.file
@options.environment
@options.output
def command(file: Path, env: str | None, output_form: str) -> None:
    """Check the platform file and show everything that is wrong with it at once.

    A source of your own is asked as well, and what is missing there is printed as the statement
    that mends it. Nothing is changed anywhere.
    """
    found = api.check(file, env)
    names = ", ".join(found.environments)
    lines = [f"{file}: {found.platform} ({names}) has no findings."]
    lines += [f"source {name}: ready to be captured." for name in found.sources]
    lines += [f"Advice: {finding}" for finding in found.advice]
    data = {
        "ok": True,
        "platform": found.platform,
        "environments": found.environments,
        "sources": found.sources,
        "findings": [],
        "advice": [failures.as_map(f) for f in found.advice],
    }
    output.emit(data, output_form, "\n".join(lines))
