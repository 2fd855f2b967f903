"""``bench``: figures of this machine, each with the command that repeats it.

A benchmark is a module with ``run(say) -> Figures``. Ratios compare two things measured in turn in
the same run, so they hold on a busy machine; absolute figures are this machine's, at this moment.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. ``rows``: one per repetition; ``summary``: the figures to quote."""

    bench: str
    command: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    summary: Mapping[str, object]


SUMMARIES: Mapping[str, str] = {
    "capture": "Drain a backlog into both tables, against pg_recvlogical to nothing.",
    "commits": "Commit latency at commit 2,000 over commit 20.",
    "events": "Receive 20,000 events a second, cut into sessions and landed.",
    "guide": "The guides' own targets beside what is measured here, each answer checked.",
    "held": "Hold 50,000 narrow inserts a second, seen by a separate reader.",
    "keyed": "Read by key while events arrive and views are kept.",
    "idle": "Memory of everything a minute after catching up.",
}


def bench(name: str, say: Say, **options: Any) -> Figures:
    """Run one benchmark by its name in SUMMARIES; ``options`` are its own parameters."""
    module = importlib.import_module(f"{__name__}.{name}")
    return cast(Figures, module.run(say, **options))
