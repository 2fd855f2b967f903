"""How old rows are when readers see them: samples of the last minute, as percentiles."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tidewright.model import observed

MINUTE = 60_000


def percentiles(samples: Iterable[float]) -> observed.Percentiles | None:
    """Nearest-rank percentiles; None without samples."""
    ordered = sorted(samples)
    if not ordered:
        return None
    ranks = (ordered[min(len(ordered) - 1, int(len(ordered) * p))] for p in (0.5, 0.95, 0.99))
    return observed.Percentiles(*ranks)


@dataclass(slots=True)
class Window:
    """The samples of the last minute, by hop."""

    samples: dict[str, deque[tuple[int, float]]] = field(default_factory=dict)

    def add(self, now_ms: int, new: Mapping[str, Iterable[float]]) -> None:
        for hop, values in new.items():
            self.samples.setdefault(hop, deque()).extend((now_ms, v) for v in values)

    def hops(self, now_ms: int) -> Mapping[str, observed.Percentiles]:
        """Percentiles of each hop that has samples younger than a minute."""
        found = {}
        for hop, kept in self.samples.items():
            while kept and kept[0][0] < now_ms - MINUTE:
                kept.popleft()
            of_hop = percentiles(value for _, value in kept)
            if of_hop is not None:
                found[hop] = of_hop
        return found
