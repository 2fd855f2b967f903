"""Percentiles of delay over the last minute: one transaction, one vote."""

from __future__ import annotations

from collections import deque

import numpy as np

from tidewright.model import observed

WINDOW_MS = 60_000
LARGEST_BATCH = 2_000


class Delays:
    """Delays in milliseconds, with the moment they were seen. Old ones fall out."""

    def __init__(self) -> None:
        self._batches: deque[tuple[int, np.ndarray]] = deque()

    def add(self, now_ms: int, delays_ms: np.ndarray) -> None:
        """Note the delays of one commit; a large batch is thinned evenly."""
        if len(delays_ms):
            step = -(-len(delays_ms) // LARGEST_BATCH)
            self._batches.append((now_ms, np.asarray(delays_ms[::step], dtype=np.float64)))
        while self._batches and self._batches[0][0] < now_ms - WINDOW_MS:
            self._batches.popleft()

    def percentiles(self) -> observed.Percentiles | None:
        """p50, p95 and p99 of what is in the window; None when it is empty."""
        if not self._batches:
            return None
        values = np.concatenate([batch for _, batch in self._batches])
        low, high, top = (float(round(v, 1)) for v in np.percentile(values, (50, 95, 99)))
        return observed.Percentiles(low, high, top)
