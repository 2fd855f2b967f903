"""Files that survive a crash and that only their owner can read.

Atomic replace with fsync of file and folder, owner-only folders and files. Not here: secrets
(``vault.files``) and the lake's data files (``pipelines.lake``), which have their own order.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable: a new file without this may vanish at power loss."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def private_folder(folder: Path) -> Path:
    """Create ``folder`` (and what is above it) for its owner alone; narrow it when it exists."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    if folder.stat().st_mode & 0o077:
        folder.chmod(PRIVATE_FOLDER)
    return folder


def replace(path: Path, content: str | bytes, mode: int = 0o644, *, sync: bool = True) -> None:
    """Write ``content`` so that a reader sees the old file or the new one, never a part.

    The temporary name is random and opened exclusively, so that a link planted there by someone
    else is never followed. ``sync=False`` is for status files, which are worthless after a crash.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        _write_new(temporary, data, mode, sync=sync)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    if sync:
        sync_folder(path.parent)


def replace_private(path: Path, content: str | bytes) -> None:
    """The same for a file that only its owner may read."""
    replace(path, content, PRIVATE_FILE)


def _write_new(path: Path, data: bytes, mode: int, *, sync: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(data)
        file.flush()
        if sync:
            os.fsync(handle)


def is_inside(path: Path, folder: Path) -> bool:
    """Whether ``path``, with every link followed, lies in ``folder``."""
    return path.resolve().is_relative_to(folder.resolve())
