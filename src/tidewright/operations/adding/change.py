"""What has to be done to add a source, decided before anything is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidewright.spec import edited


@dataclass(frozen=True, slots=True)
class Change:
    """``files``: path -> text, of those that are not there yet. ``secret``: name and value."""

    additions: tuple[edited.Addition, ...]
    tables: tuple[str, ...]
    rows: int | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    secret: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()
