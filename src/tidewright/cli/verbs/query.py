"""``query``: one question to the lake."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output


@click.command()
@click.argument("sql")
@click.option("--commit", "commit_id", type=int, default=None, metavar="N", help="An older commit.")
@click.option("--ref", metavar="BRANCH", help="A branch instead of main.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Most rows.")
@options.file
@options.environment
@options.output
def command(
    sql: str,
    commit_id: int | None,
    ref: str | None,
    limit: int,
    file: Path,
    env: str | None,
    output_form: str,
) -> None:
    """Ask the lake one question in SQL, at one commit.

    Tables are named as in the source (bank.users); raw ones are raw_data.<table>.
    """
    if commit_id is not None and ref is not None:
        raise click.UsageError("--commit is of main, and --ref names a branch: give one of them")
    found = api.query(api.environment(file, env), sql, commit_id, limit, ref)
    for name, value in found.notes.items():
        output.say(f"{name}: {value}")
    rows = [dict(zip(found.columns, map(output.exact, row), strict=True)) for row in found.rows]
    data = {"columns": found.columns, "rows": rows, "notes": found.notes}
    output.emit(data, output_form, output.Table(found.columns, found.rows))
