"""The flow map's geometry: the places that a row passes, and how long each stretch takes.

Pure; ``templates/page.html`` prints it and ``places`` says what there is. A hop is drawn as a
dimension line below the places it spans, because freshness belongs to a stretch, not to one arrow.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidewright.console import figures, places
from tidewright.model import observed, views

LAKE_HOP, MART_HOP = "source_to_lake", "source_to_marts"
HEIGHT = 150
NODE, TALL, SMALL = 148, 120, 56
STEP = 194.4
TOP, MIDDLE = 8, 68
FEWEST = 6  # columns that fill the page's width; more make the drawing wider and so smaller
# A hop ends at a place by its id, or at one of these.
_ALSO = {"lake": ("current", "raw"), "topic": ("capture",), "reader": ("current", "raw")}


@dataclass(frozen=True, slots=True)
class Node:
    """One place with its place on the page."""

    id: str
    title: str
    state: str
    tone: str
    lines: tuple[str, ...]
    facts: places.Facts
    x: float
    y: float = TOP
    height: float = TALL
    width: float = NODE


@dataclass(frozen=True, slots=True)
class Arrow:
    """A connection with a short text above it."""

    id: str
    x1: float
    x2: float
    y: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """A measured stretch, drawn as a dimension line."""

    id: str
    x1: float
    x2: float
    y: float
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Map:
    """The whole drawing."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    hops: tuple[Hop, ...]
    width: float
    height: int


def draw(seen: views.Observation) -> Map:
    """The map of one moment."""
    columns = tuple(_column(n, found) for n, found in enumerate(places.columns(seen)))
    hops = tuple(_hops(seen, columns))
    height = HEIGHT + 36 * len({hop.y for hop in hops})
    rate = places.rate_of(seen)
    arrows = tuple(_arrows(columns, "" if rate is None else figures.rate(rate)))
    width = STEP * (max(len(columns), FEWEST) - 1) + NODE
    return Map(tuple(node for column in columns for node in column), arrows, hops, width, height)


def _column(number: int, found: Sequence[places.Place]) -> tuple[Node, ...]:
    """One place fills its column; of two, one lies at the top and one at the bottom."""
    height = TALL if len(found) == 1 else SMALL
    return tuple(
        Node(
            p.id, p.title, p.state, p.tone, p.lines, p.facts,
            number * STEP, TOP + i * (TALL - SMALL), height,
        )
        for i, p in enumerate(found)
    )  # fmt: skip


def _arrows(columns: Sequence[tuple[Node, ...]], rate: str) -> Iterator[Arrow]:
    """From each column to the next; of two places, the upper one leads on."""
    for left, right in itertools.pairwise(columns):
        for node in right:
            y = node.y + node.height / 2 if len(right) > 1 else left[0].y + left[0].height / 2
            text, rate = (rate, "") if left is columns[0] else ("", rate)
            yield Arrow(f"{left[0].id}-{node.id}", left[0].x + NODE, node.x, y, text)


def _hops(seen: views.Observation, columns: Sequence[tuple[Node, ...]]) -> Iterator[Hop]:
    """Known hops, the shortest nearest to the map."""
    spans = [(*_span(name, columns), name, found) for name, found in seen.hops.items()]
    spans.sort(key=lambda span: span[1] - span[0])
    last, right, level = len(columns) - 1, -1.0, 0
    for start, end, name, found in spans[:4]:
        x1 = start * STEP + (NODE / 2 if start else 8)
        x2 = end * STEP + (NODE / 2 if end < last else NODE - 8)
        level += int(x1 < right)
        right = max(right, x2) if x1 >= right else x2
        yield Hop(f"hop-{name}", x1, x2, 158 + 36 * level, name.replace("_", " "), _pair(found))


def _span(name: str, columns: Sequence[tuple[Node, ...]]) -> tuple[int, int]:
    """The columns where a hop begins and ends; what is not drawn counts as the outermost."""
    start, _, end = name.partition("_to_")
    at = {node.id: n for n, column in enumerate(columns) for node in column}

    def find(word: str, otherwise: int) -> int:
        ids = (word, *_ALSO.get(word, ()))
        return next((at[i] for i in ids if i in at), otherwise)

    return find(start, 0), find(end, len(columns) - 1)


def _pair(found: observed.Percentiles) -> str:
    return f"p50 {figures.delay(found.p50)} · p95 {figures.delay(found.p95)}"
