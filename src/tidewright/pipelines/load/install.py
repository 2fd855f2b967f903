"""Connectors that are not in the base install: each in a virtual environment of its own.

They are kept in the user's cache folder, one for each connector, version and Python, so that the
next platform finds them there. Half an installation is never used: its mark is written last.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tidewright import errors

Tell = Callable[[str], None]
MARK = ".complete"
# No statistics leave the machine, and nothing is looked up on the way.
QUIET = {"DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1", "PIP_NO_INPUT": "1"}
_STEPS = ("Collecting", "Downloading", "Installing", "Successfully", "Prepared", "Resolved")


class Failed(errors.StepFailed, errors.Transient):
    """The packages could not be fetched; they may be later."""


def environment() -> Mapping[str, str]:
    """The variables that a connector and its installation get."""
    return {**os.environ, **QUIET}


def cache() -> Path:
    """Where connectors are kept: ``$XDG_CACHE_HOME`` or ``~/.cache``, below ``tidewright``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tidewright" / "connectors"


def folder(package: str, base: Path) -> Path:
    """The environment of one package with its version, for this Python."""
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return base / f"{re.sub(r'[^A-Za-z0-9.-]', '_', package)}-{python}"


def ensure(package: str, tell: Tell, base: Path | None = None) -> Path:
    """The folder of an environment that has ``package``; made now where it is missing.

    ``package`` is a requirement, or several with a space between them.
    ``tell`` gets a line whenever there is news. Raises Failed with the installer's last words.
    """
    home = folder(package, base or cache())
    if (home / MARK).exists():
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with _alone(home.with_name(home.name + ".lock")):
        if not (home / MARK).exists():
            tell(f"installing {package} into {home}; this happens once")
            shutil.rmtree(home, ignore_errors=True)
            for argv in _commands(package, home):
                _run(argv, package, tell)
            (home / MARK).touch()
    return home


def _commands(package: str, home: Path) -> Sequence[Sequence[str]]:
    """With uv where it is, which is many times faster; else with the Python that runs us."""
    uv = shutil.which("uv")
    python = str(home / "bin" / "python")
    if uv:
        return (
            (uv, "venv", "--quiet", "--python", sys.executable, str(home)),
            (uv, "pip", "install", "--python", python, *package.split()),
        )
    pip = ("-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off")
    return ((sys.executable, "-m", "venv", str(home)), (python, *pip, *package.split()))


def _run(argv: Sequence[str], package: str, tell: Tell) -> None:
    last = ""
    with subprocess.Popen(
        argv, env=environment(), stdin=subprocess.DEVNULL, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        for line in child.stdout:
            last = line.strip() or last
            if last.startswith(_STEPS):
                tell(f"installing {package}: {last[:100]}")
    if child.returncode:
        raise Failed(
            "load.install_failed", f"it could not be installed: {last[:300]}", f"package {package}",
            "See that the package exists and its index can be reached; it is tried again.",
        )  # fmt: skip


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Two environments may want the same connector at the same moment."""
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
