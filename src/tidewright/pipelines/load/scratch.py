"""A private folder for each run of a connector of others, which writes what it likes there."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tidewright.kit import files


def fresh(scratch: Path, kind: str) -> Path:
    """A new folder below the job's own; what a crash left there of earlier runs is removed."""
    files.private_folder(scratch)
    for old in scratch.glob(f"{kind}-*"):
        shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=scratch))
