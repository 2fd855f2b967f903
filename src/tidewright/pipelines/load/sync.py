"""One sync, decided without I/O: messages in, and what may be committed now out.

The rule: rows may be committed once the connector has told the state that covers them (an
incremental stream), or once it has told that it is through (a full one). What came after the last
state when it failed is dropped, and comes again. A stream that brings what its table cannot hold
stops with its reason and keeps what it had; the others go on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from tidewright.pipelines.load import columns, marks, messages

PAGE = 5_000  # records that become rows at once


@dataclass(frozen=True, slots=True)
class Portion:
    """What one stream brings to a commit. ``whole``: in the place of all that is there."""

    stream: str
    rows: tuple[pa.Table, ...]
    mark: marks.Mark
    whole: bool


@dataclass(slots=True)
class Reading:
    """One stream while it is read. ``covered``: rows whose state came; ``pages``: the others."""

    name: str
    shape: columns.Shape
    mark: marks.Mark
    before: marks.Mark
    records: list[Mapping[str, Any]] = field(default_factory=list)
    pages: list[pa.Table] = field(default_factory=list)
    covered: list[pa.Table] = field(default_factory=list)
    read: int = 0
    ended: bool = False
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def full(self) -> bool:
        return self.mark.mode == "full"

    @property
    def generation(self) -> int:
        """A full stream that is being read will be the next generation."""
        return self.before.generation + 1 if self.full else self.mark.generation


@dataclass(slots=True)
class Sync:
    """``begin`` each stream, ``hear`` each message, ``portions`` whenever a commit is due."""

    now_ms: int
    reading: dict[str, Reading] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    failure: str | None = None
    shared: marks.Mark | None = None
    lacking: set[str] = field(default_factory=set)  # stopped, and a shared state would skip them
    waiting: bool = False  # a shared state came, and was not kept for their sake
    notes: list[str] = field(default_factory=list)
    records: int = 0

    def begin(self, stream: messages.Stream, shape: columns.Shape, mark: marks.Mark) -> None:
        """Read this stream from ``mark`` on; ``mark.mode`` decides how."""
        began = replace(mark, key=stream.key, sorts=_first(stream.cursor))
        if mark.mode == "full":
            began = replace(began, told=None)
        self.reading[stream.name] = Reading(stream.name, shape, began, mark)

    def hear(self, message: messages.Message) -> None:
        """Take in one message; one of a stream that stopped changes nothing."""
        match message:
            case messages.Record(name, data):
                self._record(name, data)
            case messages.State(None, state):
                self._shared_state(state)
            case messages.State(str(name), state, records):
                self._each(name, lambda found: self._state(found, state, records))
            case messages.Ended(name, unchanged=True):
                self._each(name, self._as_before)
            case messages.Ended(name, complete=True):
                self._each(name, self._through)
            case messages.Failed(None, text):
                self.failure = text
            case messages.Failed(name, text):
                self.stop(str(name), text)
            case messages.Note(level, text) if level.upper() in ("WARN", "ERROR", "FATAL"):
                self.notes.append(text)

    def exited(self, code: int) -> None:
        """The connector is gone. With 0 it is through with every stream that it did not end."""
        if code == 0 and self.failure is None:
            for found in list(self.reading.values()):
                self._each(found.name, self._through)
        elif self.failure is None:
            self.failure = f"the connector ended with code {code}"

    def stop(self, name: str, why: str) -> None:
        """Nothing more of this stream in this sync; what was covered stays."""
        self.stopped[name] = why
        found = self.reading.get(name)
        if found is not None:
            self.lacking.add(name)
            found.records, found.pages = [], []
            if found.full:
                found.covered = []

    def portions(self) -> Iterator[Portion]:
        """What may be committed now; the reading goes on behind it."""
        for found in self.reading.values():
            whole = found.full and found.ended and found.name not in self.stopped
            if found.full and not whole:
                continue
            same = found.full and found.mark.digest == found.before.digest
            taken = () if same else tuple(found.covered)
            if taken or (whole and not same) or found.mark != found.before:
                yield Portion(found.name, taken, found.mark, whole and not same)
        if self.shared is not None:
            yield Portion(marks.SHARED, (), self.shared, whole=False)

    def committed(self) -> None:
        """What ``portions`` gave is kept now."""
        for found in self.reading.values():
            if not found.full or found.ended:
                found.covered, found.before = [], found.mark
        self.shared = None

    # -- a stream ------------------------------------------------------------------------------

    def _each(self, name: str, act: Any) -> None:
        found = self.reading.get(name)
        if found is not None and name not in self.stopped and not found.ended:
            try:
                act(found)
            except columns.Misfit as misfit:
                self.stop(name, str(misfit))

    def _record(self, name: str, data: Mapping[str, Any]) -> None:
        found = self.reading.get(name)
        if found is None or name in self.stopped or found.ended:
            return
        found.records.append(data)
        self.records += 1
        if len(found.records) >= PAGE:
            self._each(name, self._page)

    def _page(self, found: Reading) -> None:
        """What was read becomes rows. Raises Misfit, with the record's own words."""
        if not found.records:
            return
        first = (0 if found.full else found.mark.rows) + found.read + 1
        stamp = columns.Stamp(first, self.now_ms, found.generation)
        try:
            found.pages.append(columns.rows(found.shape, found.records, stamp))
        except columns.Misfit as misfit:
            raise columns.Misfit(misfit.at, _named(found, misfit)) from None
        if found.full:
            for record in found.records:
                found.digest.update(json.dumps(record, sort_keys=True, default=str).encode())
        found.read += len(found.records)
        found.records = []

    def _state(self, found: Reading, state: Any, records: int | None = None) -> None:
        self._page(found)
        before = found.mark.told or 0
        found.mark = replace(found.mark, told=None if records is None else before + records)
        if found.full:
            found.mark = replace(found.mark, cursor=state)
            return
        rows = found.mark.rows + found.read
        found.mark = replace(found.mark, cursor=state, rows=rows, complete=False)
        self._cover(found)

    def _shared_state(self, state: Any) -> None:
        """One state for every stream: it covers all that was read, or it is not kept.

        With a stream that stopped it would leave out that one's records for good.
        """
        for found in list(self.reading.values()):
            self._each(found.name, self._page)  # one that does not fit may show only now
        if self.lacking:
            names = ", ".join(sorted(self.lacking))
            self.failure = f"its streams have one state, so none goes on without {names}"
            self.waiting = True
            return
        self.shared = marks.Mark("incremental", cursor=state)
        for found in list(self.reading.values()):
            if not found.full:
                self._each(found.name, lambda one: self._state(one, None))

    def _through(self, found: Reading) -> None:
        """The end of the stream. Rows of an incremental one that no state covers come again."""
        self._page(found)
        if found.full:
            mark = replace(found.mark, rows=found.read, digest=found.digest.hexdigest())
            if mark.digest != found.before.digest:
                mark = replace(mark, generation=found.generation)
            found.mark = mark
            self._cover(found)
        found.pages, found.records = [], []
        found.mark = replace(found.mark, complete=found.full or not self.waiting)
        found.ended = True

    def _as_before(self, found: Reading) -> None:
        """A full stream that need not be read: its table holds it already."""
        found.mark, found.pages, found.records = found.before, [], []
        found.ended = True

    def _cover(self, found: Reading) -> None:
        found.covered += found.pages
        found.pages, found.read = [], 0


def _named(found: Reading, misfit: columns.Misfit) -> str:
    """Which record it is, by its key where there is one."""
    record = found.records[misfit.at]
    keys = [f"{k}={record.get(k)!r}" for k in found.mark.key]
    which = ", ".join(keys) or f"number {found.read + misfit.at + 1} of this sync"
    return f"record {which}: {misfit}"


def _first(names: Sequence[str]) -> str | None:
    return names[0] if names else None
