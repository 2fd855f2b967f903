"""Drain of a recorded backlog: our worker, both tables current, over pg_recvlogical to /dev/null.

The two take turns on the same WAL: each pair reads the same slot position, first the plain client
of PostgreSQL that only receives and drops, then the worker with decoding, JSON, key index, Iceberg
files and commits. A ratio of 1 means that all of this costs no time over receiving.
"""

from __future__ import annotations

import statistics

from tidewright.operations import bench
from tidewright.operations.bench import rig


def run(say: bench.Say, changes: int = 2_000_000, pairs: int = 5) -> bench.Figures:
    """``changes`` inserts, half in each table, drained ``pairs`` times by either side."""
    with rig.opened() as found:
        found.prepare(pairs)
        say(f"writing a backlog of {changes:,} changes")
        target = found.write(changes)
        rows = []
        for number in range(pairs):
            received, drained = found.receive(target), found.drain(number, target)
            ratio = round(received / drained, 2)
            rows.append((number + 1, round(changes / received), round(changes / drained), ratio))
            say(f"pair {number + 1}: ratio {ratio}")
            found.check(number, changes)
    ratios = [row[3] for row in rows]
    return bench.Figures(
        "capture",
        f"tidewright bench capture --changes {changes} --pairs {pairs}",
        ("pair", "pg_recvlogical/s", "worker/s", "ratio"),
        tuple(rows),
        {"ratio_median": statistics.median(ratios), "ratio_min": min(ratios)},
    )
