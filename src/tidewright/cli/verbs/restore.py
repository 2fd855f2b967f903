"""``restore``: bring a recovery point back, in a new folder beside the old platform."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import options, output


@click.command()
@options.environment
@options.file
@options.output
@click.option(
    "--to", "wanted", required=True, metavar="TIME|POINT",
    help="A point of `backup list`, latest, or a time: the last point that is not after it.",
)  # fmt: skip
@click.option(
    "--into", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="A new folder; nothing is ever written over.",
)  # fmt: skip
@options.elsewhere
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="The recovery key.")
def command(
    env: str | None, file: Path, output_form: str, wanted: str, into: Path, source: str | None,
    endpoint: str, region: str, key: Path | None,
) -> None:  # fmt: skip
    """Bring everything back as of TIME or POINT, into a new folder, proved before it serves.

    The old platform, if there is one, is only read. Start the restored one with `tidewright up`
    in DIR. An interrupted restore is begun anew by the same command.
    """
    talk = api.Talk(say=output.say, ask=lambda _: True)
    asked = api.RestoreWish(file, env, wanted, into, source, key, endpoint, region)
    found = api.restore(asked, talk)
    rows = [(t.table, t.source_rows, t.lake_rows) for t in found.tables]
    data = {
        "point": found.point.id, "at_ms": found.point.at_ms, "into": str(into.absolute()),
        "tables": found.tables, "invariants": found.invariants, "copied_again": found.again,
        "seconds": found.seconds,
        "asked_ms": found.distance.asked_ms if found.distance else None,
        "lost_seconds": found.distance.seconds if found.distance else None,
    }  # fmt: skip
    names = ("table", "source rows", "lake rows")
    output.emit(
        data,
        output_form,
        [
            output.Table(names, rows, frozenset(names[1:])),
            f"Restored {found.point.id} into {into} in {sum(found.seconds.values()):.1f} s; "
            f"{len(found.tables)} tables and {len(found.invariants)} invariants are exact."
            + _lost(found),
        ],
    )
    output.say(f"Next: cd {into} && tidewright up")


def _lost(found: api.Restored) -> str:
    """What the point lacks of the time that was asked for."""
    if found.distance is None:
        return ""
    seconds = found.distance.seconds
    return f"\nIt lacks the last {seconds:.1f} s before the time that you asked for."
