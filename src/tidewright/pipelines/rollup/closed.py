"""Sessions that ended, by the position of the commit that closed them, from their Delta table."""

from __future__ import annotations

from pathlib import Path

from tidewright.pipelines.delta import newer
from tidewright.pipelines.rollup import news


class Closed:
    """Sessions that ended, each once."""

    def __init__(self, root: Path, flow_name: str) -> None:
        self._follower = newer.Follower(root, flow_name, "state=closed", news.CLOSED_AT)
        self._identity: str | None = None

    def newer(self, position: news.Position, most: int = news.MOST) -> news.Found | None:
        first = 0 if self._identity is None else position(self._identity)
        found = self._follower.newer(first)
        if found is None:
            return None
        if self._identity is None:
            self._identity = found.source
            return self.newer(position)
        return news.Found(found.position, found.source, found.rows)

    def close(self) -> None:
        """Nothing is held."""
