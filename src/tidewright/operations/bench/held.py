"""A rate held for a while: narrow inserts, both tables current, seen by a separate reader."""

from __future__ import annotations

from tidewright.operations import bench, demo, probe, up


def run(say: bench.Say, rate: float = 50_000, seconds: float = 120) -> bench.Figures:
    """The bank with ``bulk.py`` as its workload at ``rate`` inserts a second.

    Measured from when the backlog of the start is worked off; how long that took is said.
    """
    wish = demo.Wish(seconds=seconds, rate=rate, script="bulk.py", settle=True)
    shown = demo.demo(("bank-cdc",), wish, up.Talk(say, lambda question: True))[0]
    columns = ("hop", "p50 ms", "p95 ms", "p99 ms")
    rows = tuple((hop, p.p50, p.p95, p.p99) for hop, p in shown.freshness_ms.items())
    fresh = shown.freshness_ms.get(probe.CURRENT)
    return bench.Figures(
        "held",
        f"tidewright bench held --rate {rate:g} --seconds {seconds:g}",
        columns,
        rows,
        {
            "changes_per_second": shown.rate,
            "p95_ms": fresh.p95 if fresh else None,
            "exact": shown.ok,
            "peak_mb": shown.peak_mb,
        },
    )
