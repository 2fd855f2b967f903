"""The user's file: ``pull(state)``, or ``pull(state, url)`` when we play the source.

``state`` is what the last call returned (None at first), any JSON value. It returns a list of
events and the next state. An event is a text (taken as it is), a JSON value, or a pair of a key and
one of these. Whatever the file raises becomes one message that names its line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidewright import errors
from tidewright.pipelines.topic import records
from tidewright.pipelines.workload import script

WRITTEN = "pull(state), which returns a list of events and the next state"


@dataclass(frozen=True, slots=True)
class Puller:
    """The function of one loaded file, and which version of the file it is of."""

    path: Path
    version: int
    function: Callable[..., Any]

    def is_stale(self) -> bool:
        """Whether the file has changed since. A file that is gone for a moment has not."""
        return script.version(self.path) not in (0, self.version)


@dataclass(frozen=True, slots=True)
class Pulled:
    """Events in order, and the state to go on from, as JSON text."""

    events: tuple[records.Record, ...]
    state: str


def load(path: Path) -> Puller:
    """Run the file and take its function. Raises ScriptFailed."""
    seen = script.version(path)
    return Puller(path, seen, script.run(path, ("pull",), WRITTEN)["pull"])


def call(puller: Puller, state: str | None, url: str | None) -> Pulled:
    """Ask once. Raises ScriptFailed, also when what comes back is no pull."""
    before = None if state is None else json.loads(state)
    try:
        found = puller.function(before) if url is None else puller.function(before, url)
    except Exception as reason:  # the user's function may raise anything at all
        raise script.failure(puller.path, reason) from None
    try:
        events, after = found
        return Pulled(tuple(_records(events)), json.dumps(after))
    except (TypeError, ValueError) as reason:
        raise script.ScriptFailed(
            "workload.not_a_script", f"pull returned something else: {reason}",
            puller.path.name, f"Write {WRITTEN}, as the packaged examples do.",
        ) from None  # fmt: skip


def _records(events: Iterable[Any]) -> Iterable[records.Record]:
    for event in events:
        if isinstance(event, tuple) and len(event) == 2:
            key, value = event
            yield records.Record(None if key is None else str(key), _text(value))
        else:
            yield records.Record(None, _text(event))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def refusal(reason: errors.PlatformError) -> str:
    """The reason as one line for the status file."""
    return reason.finding.line
