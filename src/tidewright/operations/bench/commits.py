"""Does a commit cost later what it cost at first? The real worker, small commits back to back."""

from __future__ import annotations

import statistics
import threading

from tidewright.operations import bench
from tidewright.operations.bench import rig
from tidewright.pipelines.worker import engine

AROUND = 20


def run(say: bench.Say, commits: int = 2000) -> bench.Figures:
    """Median latency of the commits around number 20 and around number ``commits``."""
    seconds = _latencies(commits, say)
    early = statistics.median(seconds[AROUND : 2 * AROUND])
    late = statistics.median(seconds[-AROUND:])
    blocks = [seconds[i : i + 100] for i in range(0, len(seconds), 100)]
    rows = tuple(
        (i * 100, round(statistics.median(b) * 1000, 1), round(max(b) * 1000, 1))
        for i, b in enumerate(blocks)
    )
    return bench.Figures(
        "commits", f"tidewright bench commits --commits {commits}",
        ("from commit", "median ms", "max ms"), rows,
        {"early_ms": round(early * 1000, 1), "late_ms": round(late * 1000, 1),
         "ratio": round(late / early, 2)},
    )  # fmt: skip


def _latencies(commits: int, say: bench.Say) -> list[float]:
    """Seconds of each commit, while both tables change all the time."""
    found: list[float] = []
    last: list[object] = [None]

    def watch(hands: engine.Engine) -> None:
        if hands.committed is not last[0] and hands.last.changes:
            last[0] = hands.committed
            found.append(hands.last.commit_seconds)
            if len(found) % 500 == 0:
                say(f"{len(found)} commits")

    with rig.opened() as bank:
        bank.write(20_000)
        ending = threading.Event()
        load = threading.Thread(target=_change, args=(bank, ending), daemon=True)
        load.start()
        try:
            bank.prepare(1)
            bank.work(0, lambda position: len(found) >= commits, every=0.05, watch=watch)
        finally:
            ending.set()
            load.join(10)
    return found


def _change(bank: rig.Rig, ending: threading.Event) -> None:
    """Twenty rows of each table, some fifty times a second."""
    with bank.connect() as conn:
        while not ending.wait(0.02):
            for table in rig.TABLES:
                conn.execute(
                    f"update {table} set balance = balance + 1"  # noqa: S608  our own two tables
                    " where id in (select 1 + (random() * 9999)::bigint"
                    " from generate_series(1, 20))"
                )
