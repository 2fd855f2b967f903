"""Whether someone edited the project. Cheap, and free of dbt and DuckDB."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

KINDS = frozenset({".sql", ".yml", ".yaml", ".csv", ".md", ".py"})


def fingerprint(folders: Sequence[Path]) -> int:
    """A number that changes when a file of the project or of the checks is edited."""
    return hash(tuple(sorted(_stamps(folders))))


def _stamps(folders: Sequence[Path]) -> Iterator[tuple[str, int]]:
    for folder in folders:
        for file in folder.rglob("*"):
            if file.suffix in KINDS:
                # An editor replaces files; one that is gone right now shows in the next look.
                with contextlib.suppress(FileNotFoundError):
                    yield str(file), file.stat().st_mtime_ns
