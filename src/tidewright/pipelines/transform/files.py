"""Whether someone edited the project. Cheap, and free of dbt and DuckDB."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

KINDS = frozenset({".sql", ".yml", ".yaml", ".csv", ".md", ".py"})


def fingerprint(folders: Sequence[Path]) -> int:
    """A number that changes when a file of the project or of the checks is edited."""
    return hash(tuple(sorted(_stamps(folders))))


def stamps(folders: Sequence[Path]) -> Mapping[str, int]:
    """Each file, from its folder's name on, and when it was written last (ns)."""
    parents = {folder.resolve(): folder.parent.resolve() for folder in folders}
    found = {}
    for folder, parent in parents.items():
        for name, stamp in _stamps([folder]):
            found[str(Path(name).relative_to(parent))] = stamp
    return found


def _stamps(folders: Sequence[Path]) -> Iterator[tuple[str, int]]:
    for folder in folders:
        for file in folder.rglob("*"):
            if file.suffix in KINDS:
                # An editor replaces files; one that is gone right now shows in the next look.
                with contextlib.suppress(FileNotFoundError):
                    yield str(file), file.stat().st_mtime_ns
