"""The guides' own targets in one table, and where one does not apply, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """``name`` as in the guides' numbering; ``wanted`` in ``unit``; ``better``: which way."""

    name: str
    what: str
    wanted: float
    unit: str
    better: Literal["less", "more"]

    def ratio(self, measured: float) -> float | None:
        """How many times better than wanted; below 1 it is missed. None where nothing is better."""
        above, below = (self.wanted, measured) if self.better == "less" else (measured, self.wanted)
        return round(above / below, 2) if below else None

    def met(self, measured: float) -> bool:
        """Whether the figure is as good as wanted."""
        return measured <= self.wanted if self.better == "less" else measured >= self.wanted


TARGETS: tuple[Target, ...] = (
    Target("PRF-01", "simple query (< 10 rows), p95", 0.1, "s", "less"),
    Target("PRF-02", "medium query (10 to 1,000 rows), p95", 1, "s", "less"),
    Target("PRF-03", "complex analytics over the lake, p95", 5, "s", "less"),
    Target("PRF-04", "large report (> 10,000 rows), p95", 30, "s", "less"),
    Target("PRF-05", "queries, as many as fit", 100, "/s", "more"),
    Target("PRF-06", "dashboards refreshed", 500, "/min", "more"),
    Target("PRF-07", "API calls", 1000, "/min", "more"),
    Target("SLO-02", "simple and medium, 100 queries/s asked for, p95", 2, "s", "less"),
    Target("SLO-03", "freshness end to end, p95", 30, "s", "less"),
    Target("SLO-04", "requests that failed or answered wrong", 0.1, "%", "less"),
    Target("SCL-23", "events while loading", 1000, "/s", "more"),
)

_BATCHES = "rows come in batches on a schedule; its guide names no rate of events"
# (platform, target) -> why it is not held against it. All others apply.
NOT_HERE: Mapping[tuple[str, str], str] = {
    ("elt-lakehouse", "SCL-23"): _BATCHES,
    ("branching-lakehouse", "SCL-23"): _BATCHES,
    ("branching-lakehouse", "SLO-03"):
        "a run begins every 15 s and is audited before it is merged; its file asks for 60 s",
}  # fmt: skip
# Targets of the guides that no run on one machine can be held against.
NEVER: Mapping[str, str] = {
    "PRF-08": "it is this benchmark itself",
    "SLO-01": "uptime is that of a place, over months",
    "SLO-05": "it counts people",
    "SLO-06": "it counts people",
    "SLO-07": "it is about money",
    "SLO-08": "uptime is that of a place, over months",
    "SCL-24": "100,000 events/s is the size of a production cluster",
}

COLUMNS = ("platform", "target", "what", "wanted", "measured", "ratio", "answers checked")


def lines(
    platform: str, measured: Mapping[str, float], checked: Mapping[str, str]
) -> Iterator[tuple[object, ...]]:
    """One row for each target: the figure, or why there is none."""
    for target in TARGETS:
        head = (platform, target.name, target.what, f"{target.wanted:g} {target.unit}")
        reason = NOT_HERE.get((platform, target.name))
        if reason is not None:
            yield (*head, None, None, f"does not apply: {reason}")
        elif target.name not in measured:
            yield (*head, "not measured", None, "")
        else:
            found = measured[target.name]
            told = f"{round(found, 4 if found < 1 else 1):g} {target.unit}"
            yield (*head, told, target.ratio(found), checked.get(target.name, ""))


def missed(platform: str, measured: Mapping[str, float]) -> tuple[str, ...]:
    """The targets that apply and were not met, or not measured."""
    return tuple(
        t.name for t in TARGETS
        if (platform, t.name) not in NOT_HERE
        and (t.name not in measured or not t.met(measured[t.name]))
    )  # fmt: skip
