"""What plays the outside world on a laptop: its folders go along, so that it goes on as the source.

They are copied after the cut, so the source is never behind the lake. Whoever writes there is
frozen for the moment of the copy: what comes back is what a power cut would have left.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidewright.kit import files
from tidewright.model import backups, jobs
from tidewright.pipelines.backup import freeze, store


@contextmanager
def copied(job: jobs.BackupJob, scratch: Path) -> Iterator[Path]:
    """A copy of all of them as of now, by their paths below the environment's own folder."""
    root = Path(os.path.normpath(str(job.state)))
    folder = files.private_folder(scratch / "played")
    try:
        with freeze.frozen(freeze.running(root, [p.service for p in job.played])):
            for one in job.played:
                place = Path(os.path.normpath(str(one.folder)))
                if place.is_dir():
                    shutil.copytree(place, folder / place.relative_to(root), dirs_exist_ok=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(into: store.Store, folder: Path, before: backups.Tree | None) -> backups.Tree:
    """Store what is not there yet."""
    known = {f.path: f for f in before.files} if before else {}
    found = []
    for file in sorted(f for f in folder.rglob("*") if f.is_file()):
        path = str(file.relative_to(folder))
        found.append(into.put_unless(known.get(path), file, path, pack=True))
    return backups.Tree(tuple(found))
