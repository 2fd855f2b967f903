"""``verify``: compare the lake with the source, row by row."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import failures, options, output
from tidewright.errors import PromiseBroken


@click.command()
@options.environment_argument
@options.file
@options.output
def command(environment: str | None, env: str | None, file: Path, output_form: str) -> int:
    """Compare every table with the source at one cut, while both keep moving.

    Exits with 7 when a row is missing, extra or different, or an invariant does not hold.
    """
    place = api.environment(file, options.named(environment, env))
    found = api.verify(place, output.say)
    rows = [
        (t.table, t.source_rows, t.lake_rows, t.missing, t.extra, t.different) for t in found.tables
    ]
    names = ("table", "source rows", "lake rows", "missing", "extra", "different")
    held = [(i.name, "holds" if i.ok else "BROKEN", i.detail) for i in found.invariants]
    data = {
        "ok": found.ok,
        "cut": found.cut,
        "tables": found.tables,
        "invariants": found.invariants,
    }
    output.emit(
        data,
        output_form,
        [
            output.Table(names, rows, frozenset(names[1:])),
            output.Table(("invariant", "", "detail"), held),
            f"{'Exact' if found.ok else 'NOT exact'}{f' at {found.cut}' if found.cut else ''}.",
        ],
    )
    if found.ok:
        return 0
    broken = PromiseBroken(
        "lake.not_exact", "the lake is not what the source is", f"cut {found.cut or 'none'}",
        "The tables above say where. A table that is not followed is copied again by "
        "`tidewright up --recopy TABLE`; for anything else keep all as it is and report it.",
    )  # fmt: skip
    return failures.tell(broken)
