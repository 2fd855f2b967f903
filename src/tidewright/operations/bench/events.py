"""A rate of events held for a while: received, cut into sessions, landed and rolled up."""

from __future__ import annotations

from tidewright.operations import bench, demo, up

HOP = "topic_to_sessions"


def run(say: bench.Say, rate: float = 20_000, seconds: float = 60) -> bench.Figures:
    """The example clickstream with its own visitors at ``rate`` events a second."""
    wish = demo.Wish(seconds=seconds, rate=rate)
    shown = demo.demo(("clickstream",), wish, up.Talk(say, lambda question: True))[0]
    rows = tuple((hop, p.p50, p.p95, p.p99) for hop, p in sorted(shown.freshness_ms.items()))
    landed = shown.freshness_ms.get(HOP)
    return bench.Figures(
        "events",
        f"tidewright bench events --rate {rate:g} --seconds {seconds:g}",
        ("hop", "p50 ms", "p95 ms", "p99 ms"),
        rows,
        {
            "events_per_second": shown.rate,
            "p95_ms": landed.p95 if landed else None,
            "exact": shown.ok,
            "peak_mb": shown.peak_mb,
        },
    )
