"""``drill``: prove that the backup brings everything back, how fast, and what it would lose."""

from __future__ import annotations

import time
from pathlib import Path

import click

from tidewright import api
from tidewright.cli import failures, options, output
from tidewright.errors import PromiseBroken


@click.command()
@options.environment_argument
@options.file
@options.output
@click.option("--to", "wanted", default="latest", show_default=True, metavar="TIME|POINT",
              help="The point to bring back.")  # fmt: skip
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE",
              help="The recovery key; else the one beside the file.")  # fmt: skip
def command(
    environment: str | None, env: str | None, file: Path, output_form: str, wanted: str,
    key: Path | None,
) -> int:  # fmt: skip
    """Restore a copy in a scratch place from the backup alone, prove every row, remove it again.

    Prints the time until it served and the work it would have lost, beside the file's goals, and
    keeps a signed report. Exits with 7 on any doubt; what could not be checked is a doubt.
    """
    place = api.environment(file, options.named(environment, env))
    talk = api.Talk(say=output.say, ask=lambda _: True)
    report, kept = api.drill(place, talk, wanted, key)
    goals = [(g.name, _seconds(g.measured), _seconds(g.goal), _met(g)) for g in report.goals]
    tables = [(t.table, t.source_rows, t.lake_rows, t.missing + t.extra + t.different)
              for t in report.tables]  # fmt: skip
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(report.at_ms / 1000))
    word = "GOOD" if report.ok else f"FAILED: {report.cause} [{report.code}]"
    output.emit(
        {**output.plain(report), "report": str(kept)},
        output_form,
        [
            output.Table(("goal", "measured", "asked for", ""), goals, frozenset({"measured"})),
            output.Table(("table", "source rows", "lake rows", "wrong rows"), tables,
                         frozenset({"source rows", "lake rows", "wrong rows"})),
            f"Drill of {moment}, point {report.point or '-'}: {word}\nSigned report: {kept}",
        ],
    )  # fmt: skip
    if report.ok:
        return 0
    broken = PromiseBroken(report.code, report.cause, f"point {report.point}", report.hint)
    return failures.tell(broken)


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f} s"


def _met(goal: object) -> str:
    if getattr(goal, "goal", None) is None:
        return "no goal"
    return "met" if getattr(goal, "met", False) else "MISSED"
