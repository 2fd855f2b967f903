"""What an edit of the project did: which files, and the rows of each mart before and after.

The files that made the published marts are remembered in the scratch folder: an edit is told
also when it was made while nothing ran.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tidewright.kit import files
from tidewright.model import observed
from tidewright.pipelines.transform import files as edits

FILE = "published-files.json"
SHOWN = 300.0  # seconds for which the status goes on to tell of an edit
MOST = 4  # files named in one sentence


class Watch:
    """Remembers the files behind the published marts, and the sentence about the last edit."""

    def __init__(self, folders: Sequence[Path], scratch: Path) -> None:
        self.folders = folders
        self.file = scratch / FILE
        self.known = self._read()
        self.reading: Mapping[str, int] = {}
        self.note = ""
        self.until = 0.0

    def read(self) -> None:
        """The files are read now; what is published next was made from them."""
        self.reading = edits.stamps(self.folders)

    def published(
        self, before: Mapping[str, int], marts: Sequence[observed.MartState]
    ) -> tuple[str, ...]:
        """What the status should tell of an edit, if there was one lately."""
        if self.known is not None and self.known != self.reading:
            edited = differences(self.known, self.reading)
            self.note = sentence(edited, before, marts)
            self.until = time.monotonic() + SHOWN
        if self.known != self.reading:
            self.known = self.reading
            with contextlib.suppress(OSError):  # a full disk costs a sentence at the next start
                files.replace(self.file, json.dumps(dict(self.reading)), sync=False)
        return (self.note,) if self.note and time.monotonic() < self.until else ()

    def _read(self) -> Mapping[str, int] | None:
        try:
            return dict(json.loads(self.file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def differences(before: Mapping[str, int], after: Mapping[str, int]) -> Mapping[str, str]:
    """File -> changed, added or removed."""
    found = {name: "removed" for name in before if name not in after}
    found |= {name: "added" for name in after if name not in before}
    found |= {n: "changed" for n in after if n in before and before[n] != after[n]}
    return dict(sorted(found.items()))


def sentence(
    edited: Mapping[str, str],
    before: Mapping[str, int],
    marts: Sequence[observed.MartState],
) -> str:
    """``models/marts/daily.sql changed: daily: 288 -> 301 rows``."""
    told = [f"{name} {what}" for name, what in list(edited.items())[:MOST]]
    told += [f"{len(edited) - MOST} more"] if len(edited) > MOST else []
    names = {Path(name).stem for name in edited}
    # A file that is no mart may be behind any of them.
    mine = [m for m in marts if m.name in names] or marts
    rows = "; ".join((*(_rows(m, before.get(m.name)) for m in mine), *_gone(before, marts)))
    return f"{', '.join(told)}: {rows}"


def _rows(mart: observed.MartState, before: int | None) -> str:
    if before is None:
        return f"{mart.name}: new, {mart.rows} rows"
    return f"{mart.name}: {before} -> {mart.rows} rows, {mart.changed} of them changed"


def _gone(before: Mapping[str, int], marts: Sequence[observed.MartState]) -> Iterator[str]:
    there = {mart.name for mart in marts}
    for name in before:
        if name not in there:
            yield f"{name}: no longer refreshed"
