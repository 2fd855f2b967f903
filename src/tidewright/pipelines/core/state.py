"""Everything the worker knows that a decision may depend on. Frozen: ``learn`` makes the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidewright.pipelines.core import acts


@dataclass(frozen=True, slots=True)
class Copied:
    """A finished copy that waits to be joined at or after its consistent point ``at``."""

    tables: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut someone asked for. ``at`` None: hold still; ``reached``: they have been told."""

    at: int | None = None
    reached: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """``position``: last commit in the lake. ``confirmed``: what the slot has let go of.

    ``staged``: the position that what is staged ends at, None when nothing is. ``doubt``: the
    position of a commit whose answer was lost. ``dirty``: memory may hold half a transaction.
    """

    wanted: tuple[str, ...]
    opened: bool = False
    position: int | None = None
    confirmed: int | None = None
    following: frozenset[str] = frozenset()
    copying: frozenset[str] = frozenset()
    copied: Copied | None = None
    stopped: Mapping[str, str] = field(default_factory=dict)
    staged: int | None = None
    joining: frozenset[str] = frozenset()
    doubt: int | None = None
    dirty: bool = False
    idle: bool = False
    cut: Cut | None = None
    failure: acts.Stop | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Tables that are wanted, and neither followed, stopped nor on their way."""
        known = self.following | self.copying | self.stopped.keys() | self.joining
        known |= frozenset(self.copied.tables if self.copied else ())
        return tuple(t for t in self.wanted if t not in known)
