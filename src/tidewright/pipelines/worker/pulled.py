"""What is staged for the next commit: how far it goes, and the commit times it brings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tidewright.pipelines.decode import chunk

Chunk = chunk.Chunk


@dataclass(slots=True)
class Batch:
    """``times_us``: commit times in the source, one for each transaction (epoch microseconds)."""

    changes: int = 0
    dirty: bool = False
    end: int | None = None
    commit_seconds: float = 0.0
    times_us: list[np.ndarray] = field(default_factory=list)

    def add(self, times_us: np.ndarray, ends: np.ndarray) -> None:
        """Note completed transactions."""
        if len(ends):
            self.end = int(ends[-1])
            self.times_us.append(times_us)

    @property
    def times_ms(self) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.int64), *self.times_us]) / 1000

    @property
    def newest_ms(self) -> int | None:
        return int(self.times_ms.max()) if self.times_us else None

    @property
    def oldest_ms(self) -> int | None:
        return int(self.times_ms.min()) if self.times_us else None
