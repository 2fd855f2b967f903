"""The job file as it changes: other tables are taken up at once, anything else needs a restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tidewright.model import codec, jobs

EVERY = 1.0


class Orders:
    """Looks at the job file once a second."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = self._now()
        self._next = 0.0

    @property
    def version(self) -> int:
        """Which version of the file was looked at last, as its mtime in ns."""
        return self._seen

    def read(self) -> jobs.CaptureJob:
        """The job as the file says it now."""
        return codec.loads(jobs.CaptureJob, self._file.read_text(encoding="utf-8"))

    def changed(self, now: float) -> jobs.CaptureJob | None:
        """A new job, once, when the file has changed since the last look."""
        if now < self._next:
            return None
        self._next = now + EVERY
        version = self._now()
        if version == self._seen:
            return None
        self._seen = version
        return self.read()

    def _now(self) -> int:
        try:
            return self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return 0


def same_but_tables(old: jobs.CaptureJob, new: jobs.CaptureJob) -> bool:
    """Whether a running worker can take ``new`` up: declared raw columns stay as they are."""
    kept = set(old.capture.tables) & set(new.capture.tables)
    columns = {t: new.capture.raw_columns.get(t) for t in kept}
    same = columns == {t: old.capture.raw_columns.get(t) for t in kept}
    return same and replace(new, capture=old.capture) == old
