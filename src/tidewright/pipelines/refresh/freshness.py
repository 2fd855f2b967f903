"""How old rows are when the marts show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidewright.pipelines.refresh import commits

LAKE = "lake_to_marts"
SOURCE = "source_to_marts"


def ages(of: Iterable[commits.Included], published_ms: int) -> Mapping[str, tuple[float, ...]]:
    """By hop, ages at ``published_ms``: a commit counts with its oldest and its newest row."""
    lake, source = [], []
    for commit in of:
        lake.append(float(published_ms - commit.committed_ms))
        times = {commit.oldest_ms, commit.newest_ms} - {None}
        source += [float(published_ms - t) for t in times if t is not None]
    return {LAKE: tuple(lake), SOURCE: tuple(source)}
