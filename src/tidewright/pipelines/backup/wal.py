"""The names of WAL segments, and whether a row of them has a gap. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tidewright.model import flow

SEGMENT = 16 << 20
_PER_FILE = 0x1_0000_0000 // SEGMENT
_LONGEST = 24


def name(timeline: int, number: int) -> str:
    """The file name of the segment with this number (its position divided by its size)."""
    return f"{timeline:08X}{number // _PER_FILE:08X}{number % _PER_FILE:08X}"


def number(segment: str) -> int:
    """The number of a segment's file name; raises ValueError for another name."""
    if len(segment) != _LONGEST:
        raise ValueError(f"{segment} is no WAL segment")
    return int(segment[8:16], 16) * _PER_FILE + int(segment[16:24], 16)


def needed(timeline: int, start: str, target: str) -> tuple[str, ...]:
    """Segments that replay from ``start`` reads to see a record at or after ``target``."""
    first, last = flow.lsn_value(start) // SEGMENT, flow.lsn_value(target) // SEGMENT
    return tuple(name(timeline, n) for n in range(first, last + 1))


def is_before(segment: str, start: str) -> bool:
    """Whether a segment ends before replay from ``start`` begins, so that nobody opens it."""
    return number(segment) < flow.lsn_value(start) // SEGMENT


def missing(have: Iterable[str], timeline: int, start: str, target: str) -> tuple[str, ...]:
    """What of ``needed`` is not there."""
    there = set(have)
    return tuple(s for s in needed(timeline, start, target) if s not in there)


def is_segment(text: str) -> bool:
    """Whether this is the name of a whole segment."""
    return len(text) == _LONGEST and all(c in "0123456789ABCDEF" for c in text)
