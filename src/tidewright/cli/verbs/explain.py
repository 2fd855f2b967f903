"""``explain``: who plays each role and why; with a code, what the code means."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output


@click.command()
@click.argument("code", required=False)
@options.file
@options.environment
@options.output
def command(code: str | None, file: Path, env: str | None, output_form: str) -> None:
    """Say who plays each role in an environment and what is derived from the file.

    With CODE (the word in brackets at the end of an error, or bi), say what it means.
    """
    if code:
        _code(code.strip("[]"), output_form)
        return
    found = api.explain(file, env)
    roles = output.Table(
        ("role", "played by", "as", "licence"),
        [(r.role, r.player, ", ".join(r.runs), r.licence) for r in found.roles],
    )
    why = "\n".join(f"{r.player}: {r.why}." for r in found.roles)
    derived = output.Table(("derived", "name"), [(d.what, d.name) for d in found.derived])
    services = output.Table(
        ("service", "does", "after"), [(n, role, ", ".join(a)) for n, role, a in found.services]
    )
    data = {
        "platform": found.platform,
        "environment": found.environment,
        "roles": found.roles,
        "derived": found.derived,
        "services": [{"name": n, "role": r, "needs": a} for n, r, a in found.services],
        "goals": found.goals,
    }
    head = f"{found.platform}, environment {found.environment}"
    output.emit(data, output_form, [head, roles, why, services, derived])


def _code(code: str, form: str) -> None:
    found = api.explain_code(code)
    text = f"{found.code}: {found.title}\n\n{found.cause}\n\nWhat to do: {found.remedy}"
    output.emit({"code": found}, form, text)
