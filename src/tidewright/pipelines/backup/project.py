"""The platform's own folder in a point: its file, models, checks and scripts; and its secrets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from tidewright import errors
from tidewright.model import backups
from tidewright.pipelines.backup import store
from tidewright.vault import files as vault
from tidewright.vault import sealing

# Made by programs from what is kept, or of no use elsewhere.
LEFT_OUT = frozenset({"__pycache__", "node_modules", "target", "venv", "dbt_packages", "logs"})
MOST_BYTES, MOST_FILES = 512 << 20, 10_000


def put(into: store.Store, folder: Path, outside: Path | None) -> backups.Tree:
    """Every file of the project that is not hidden. ``outside``: the backups' own folder."""
    found: list[backups.File] = []
    total = 0
    for file in _files(folder, outside):
        total += file.stat().st_size
        if total > MOST_BYTES or len(found) >= MOST_FILES:
            raise errors.Refused(
                "backup.project_large",
                "the folder of the platform's file holds too much to be that of a platform alone",
                str(folder), f"Keep at most {MOST_FILES:,} files and {MOST_BYTES >> 20} MB there.",
            )  # fmt: skip
        found.append(into.put_file(file, str(file.relative_to(folder)), pack=True))
    return backups.Tree(tuple(found))


def seal(
    into: store.Store, secrets: Path, maker: sealing.Maker
) -> tuple[backups.File, tuple[str, ...]]:
    """All secrets but the backup's own keys, sealed to the recovery key; and their names."""
    names = tuple(n for n in vault.names(secrets) if n not in sealing.OURS)
    bundle = json.dumps({name: vault.read(secrets, name) for name in names})
    return into.put_bytes(maker.seal(bundle.encode()), "secrets.age", pack=False), names


def unseal(sealed: bytes, key: sealing.Recovery) -> dict[str, str]:
    """The secrets again. Raises Refused for the wrong key."""
    found = json.loads(key.open(sealed))
    return {str(name): str(value) for name, value in found.items()}


def _files(folder: Path, outside: Path | None) -> Iterator[Path]:
    for path, folders, names in os.walk(folder):
        here = Path(path)
        folders[:] = sorted(
            n
            for n in folders
            if not n.startswith(".") and n not in LEFT_OUT and here / n != outside
        )
        for name in sorted(names):
            file = here / name
            if not name.startswith(".") and file.is_file() and not file.is_symlink():
                yield file
