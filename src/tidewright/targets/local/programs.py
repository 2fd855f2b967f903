"""Programs that another account can run.

As root, servers run as an account that may not enter the folder where the packages are, such as
one below ``/root``. Then the installation (the folder above ``bin``) is copied once to a place
that everybody may read, named after its content. A wheel keeps the libraries that its programs
load in a folder ``<package>.libs`` beside the package: it goes along, in the same relation.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from tidewright.targets.local import layout

COPIES = layout.SYSTEM / "programs"


def reachable(program: str, copies: Path = COPIES) -> str:
    """A path to ``program`` that any account may run: itself, or a copy made now."""
    path = Path(program)
    if not path.is_absolute() or is_open(path):
        return program
    home = path.parent.parent
    copy = copies / f"{home.name}-{_digest(home)}"
    if not copy.is_dir():
        _copy(home, copy)
    return str(copy / path.relative_to(home.parent.parent))


def is_open(path: Path) -> bool:
    """Whether an account without rights of its own may reach and run ``path``."""
    return all(p.stat().st_mode & 0o001 for p in (path, *path.parents))


def _copy(home: Path, copy: Path) -> None:
    """Copy beside the place and rename, so that nobody ever runs half an installation."""
    with layout.refusing(copy):
        copy.parent.mkdir(parents=True, exist_ok=True)
        for folder in (layout.SYSTEM, copy.parent):
            if folder in copy.parents:
                folder.chmod(0o755 if folder == copy.parent else 0o711)
        half = copy.with_name(f".{copy.name}.{os.getpid()}")
        shutil.copytree(home, half / home.parent.name / home.name, symlinks=True)
        libraries = home.parent.with_name(f"{home.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        for path in (half, *half.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        try:
            half.rename(copy)
        except OSError:  # another command was faster
            shutil.rmtree(half)


def _digest(home: Path) -> str:
    """Names, sizes and times of the files: enough to tell two versions apart, and quick."""
    seen = hashlib.sha256()
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        status = path.stat()
        line = f"{path.relative_to(home)} {status.st_size} {int(status.st_mtime)}\n"
        seen.update(line.encode())
    return seen.hexdigest()[:12]
