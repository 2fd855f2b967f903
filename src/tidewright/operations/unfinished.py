"""The mark of a folder that a restore has not finished: nothing in it may run yet."""

from __future__ import annotations

from pathlib import Path

from tidewright import errors
from tidewright.kit import files
from tidewright.targets.local import layout

MARK = "restoring"


def is_marked(project: Path) -> bool:
    """Whether a restore into this folder was begun and never finished."""
    return (project / layout.STATE / MARK).is_file()


def mark(project: Path, point: str) -> None:
    """Begin: from here on the folder is ours to clear."""
    project.mkdir(parents=True, exist_ok=True)
    folder = files.private_folder(project / layout.STATE)
    files.replace_private(folder / MARK, point + "\n")


def clear(project: Path) -> None:
    """The restore is finished."""
    (project / layout.STATE / MARK).unlink(missing_ok=True)
    files.sync_folder(project / layout.STATE)


def refuse(project: Path) -> None:
    """Raise Refused when the folder is marked."""
    if is_marked(project):
        raise errors.Refused(
            "backup.unfinished", "a restore into this folder was interrupted", str(project),
            "Run the same `tidewright restore` again: it begins anew here.",
        )  # fmt: skip
