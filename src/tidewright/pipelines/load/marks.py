"""What a commit keeps of each stream, so that the next sync begins exactly where it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Mode = Literal["full", "incremental"]
# Where the state of a connector stands that has one for all of its streams.
SHARED = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One stream in one commit.

    ``cursor``: the connector's own state, as JSON values. ``rows``: how many its table holds,
    which is the last ``_seq``. ``generation``: how often the table was begun anew. ``complete``:
    whether the sync reached the end of the stream here. ``digest``: of the records of a full
    stream. ``told``: how many records the connector says it sent, None where it says nothing.
    ``key`` and ``sorts``: what the connector says of it.
    """

    mode: Mode
    cursor: Any = None
    rows: int = 0
    generation: int = 0
    complete: bool = False
    digest: str = ""
    told: int | None = None
    key: tuple[str, ...] = ()
    sorts: str | None = None


def encode(marks: Mapping[str, Mark], source: str) -> dict[str, Any]:
    """As the commits row keeps them."""
    return {"source": source, "streams": {name: asdict(mark) for name, mark in marks.items()}}


def decode(state: Mapping[str, Any] | None) -> dict[str, Mark]:
    """As ``encode`` made them; none for a flow without a commit."""
    streams = state.get("streams", {}) if state else {}
    return {name: _mark(found) for name, found in streams.items()}


def _mark(found: Mapping[str, Any]) -> Mark:
    known = {name: found[name] for name in Mark.__dataclass_fields__ if name in found}
    mark = Mark(**known)
    return replace(mark, key=tuple(mark.key))
