"""Memory of the whole environment after it has caught up and nothing happens any more."""

from __future__ import annotations

from tidewright.operations import bench, demo, up


def run(say: bench.Say, seconds: float = 60) -> bench.Figures:
    """The bank at work for ten seconds, then rate 0; sum of PSS over the process tree."""
    found = demo.rest(seconds, up.Talk(say, lambda question: True))
    rows = tuple(sorted(found.items(), key=lambda item: -item[1]))
    total = sum(found.values())
    return bench.Figures(
        "idle", f"tidewright bench idle --seconds {seconds:g}", ("process", "PSS MB"),
        rows, {"total_mb": total},
    )  # fmt: skip
