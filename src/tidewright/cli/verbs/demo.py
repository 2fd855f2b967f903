"""``demo``: run the examples for a while and measure them."""

from __future__ import annotations

from pathlib import Path

import click

from tidewright import api
from tidewright.cli import failures, options, output
from tidewright.errors import PromiseBroken


@click.command()
@click.argument("platforms", nargs=-1)
@click.option("--seconds", type=float, default=20.0, show_default=True, help="For each platform.")
@click.option(
    "--rate", type=float, default=None, help="Changes per second [default: the example's]."
)
@click.option(
    "--keep", type=click.Path(path_type=Path), metavar="DIR", help="Leave it there, running."
)
@options.output
def command(
    platforms: tuple[str, ...], seconds: float, rate: float | None, keep: Path | None,
    output_form: str,
) -> int:  # fmt: skip
    """Run the example PLATFORMS (all of them when none is named), measure them, and clean up.

    Each runs in a folder of its own. The freshness is seen by separate readers; at the end every
    row is compared with the source. Ctrl-C leaves nothing behind.
    """
    talk = api.Talk(say=output.say, ask=lambda question: True)
    found = api.demo(platforms, api.DemoWish(seconds, rate, keep), talk)
    ok = all(shown.ok for shown in found)
    rows = [
        (s.platform, s.seconds_to_first_row, s.seconds_to_first_mart, s.changes, s.rate, s.peak_mb,
         "exact" if s.ok else "NOT EXACT")
        for s in found
    ]  # fmt: skip
    names = ("platform", "first row s", "first mart s", "changes", "changes/s", "peak MB", "verify")
    hops = [
        (s.platform, hop, p.p50, p.p95, p.p99) for s in found for hop, p in s.freshness_ms.items()
    ]
    fresh = output.Table(("platform", "freshness of", "p50 ms", "p95 ms", "p99 ms"), hops,
                         frozenset(("p50 ms", "p95 ms", "p99 ms")))  # fmt: skip
    data = {"ok": ok, "platforms": found}
    output.emit(data, output_form, [output.Table(names, rows, frozenset(names[1:-1])), fresh])
    if ok:
        return 0
    broken = PromiseBroken(
        "lake.not_exact", "the lake is not what the source is", "demo",
        "Run it again with --keep DIR and look at `tidewright verify` there.",
    )  # fmt: skip
    return failures.tell(broken)
