"""A job file that is read again when it changes, so that a rate follows an edit at once."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

from tidewright.model import codec
from tidewright.pipelines.workload import script

T = TypeVar("T")


class JobFile(Generic[T]):
    """``job`` is what the file last held. Raises ValueError when it begins with less than a job."""

    def __init__(self, file: Path, kind: type[T]) -> None:
        self._file, self._kind = file, kind
        self._version = script.version(file)
        self.job = self._read()

    def changed(self) -> bool:
        """Look again. Whether ``job`` is another one now."""
        seen = script.version(self._file)
        if seen in (0, self._version):
            return False
        self._version = seen
        before = self.job
        try:
            self.job = self._read()
        except ValueError:
            return False  # a half-written file is followed by a whole one, with another time
        return self.job != before

    def _read(self) -> T:
        return codec.loads(self._kind, self._file.read_text(encoding="utf-8"))
