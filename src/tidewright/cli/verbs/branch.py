"""``branch``: what runs left beside main, merged or dropped by hand."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output


@click.group()
def command() -> None:
    """Show the branches that runs wrote beside main, merge one, or drop one.

    Read one with `tidewright query --ref BRANCH "select ..."`.
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Merged and dropped ones too.")
@options.file
@options.environment
@options.output
def list_(everything: bool, file: Path, env: str | None, output_form: str) -> None:
    """List branches: state, age, the commit of main they began from, tables, checks."""
    found = api.branch_list(api.environment(file, env), everything=everything)
    names = ("branch", "state", "age", "base", "tables", "rows", "checks")
    rows = [
        (b.name, b.state, _age(b.age), b.base, ", ".join(b.tables), b.added, _checks(b))
        for b in found
    ]
    told = output.Table(names, rows, frozenset({"age", "base", "rows"}))
    output.emit({"branches": found}, output_form, told if rows else "No branch beside main.")


@command.command()
@click.argument("name", metavar="BRANCH")
@options.file
@options.environment
@options.output
def merge(name: str, file: Path, env: str | None, output_form: str) -> None:
    """Publish a branch that passed its checks: all its tables in one commit of main.

    Refused with 4 when it failed a check, or when main moved under a table that it touched.
    """
    done = api.branch_merge(api.environment(file, env), name)
    sentence = f"Merged {name} as commit {done.commit} of main: {', '.join(done.tables)}."
    output.emit({"merged": done}, output_form, sentence)


@command.command()
@click.argument("name", metavar="BRANCH")
@options.file
@options.environment
def drop(name: str, file: Path, env: str | None) -> None:
    """Remove a branch, and after a while the files that only it has."""
    grace = api.branch_drop(api.environment(file, env), name)
    output.say(f"Dropped {name}. Files that only it has go after {grace:.0f} s.")


def _age(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _checks(branch: api.BranchLine) -> str:
    """Failing checks by name; that all hold; or why there is no answer."""
    failed = [f"{c.name} ({c.failing})" for c in branch.checks if not c.ok]
    if failed:
        return ", ".join(failed)
    return f"{len(branch.checks)} hold" if branch.checks else branch.message
