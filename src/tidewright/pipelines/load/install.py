"""Connectors that are not in the base install: each in a virtual environment of its own.

One for each connector, version and Python.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tidewright import errors
from tidewright.clients import venvs

Tell = Callable[[str], None]
# No statistics leave the machine, and nothing is looked up on the way.
QUIET = {"DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1", "PIP_NO_INPUT": "1"}
_STEPS = ("Collecting", "Downloading", "Installing", "Successfully", "Prepared", "Resolved")


class Failed(errors.StepFailed, errors.Transient):
    """The packages could not be fetched; they may be later."""


def environment() -> Mapping[str, str]:
    """The variables that a connector and its installation get."""
    return {**os.environ, **QUIET}


def folder(package: str, base: Path) -> Path:
    """The environment of one package with its version, for this Python."""
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return base / f"{re.sub(r'[^A-Za-z0-9.-]', '_', package)}-{python}"


def ensure(package: str, tell: Tell, base: Path | None = None) -> Path:
    """The folder of an environment that has ``package``; made now where it is missing.

    ``package`` is a requirement, or several with a space between them.
    ``tell`` gets a line whenever there is news. Raises Failed with the installer's last words.
    """
    home = folder(package, base or venvs.cache("connectors"))
    if venvs.is_whole(home):
        return home
    with venvs.making(home) as is_missing:
        if is_missing:
            tell(f"installing {package} into {home}; this happens once")
            for argv in _commands(package, home):
                _run(argv, package, tell)
    return home


def _commands(package: str, home: Path) -> Sequence[Sequence[str]]:
    """With uv where it is, which is many times faster; else with the Python that runs us."""
    uv = shutil.which("uv")
    python = str(venvs.python(home))
    if uv:
        return (
            (uv, "venv", "--quiet", "--python", sys.executable, str(home)),
            (uv, "pip", "install", "--python", python, *package.split()),
        )
    pip = ("-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off")
    return ((sys.executable, "-m", "venv", str(home)), (python, *pip, *package.split()))


def _run(argv: Sequence[str], package: str, tell: Tell) -> None:
    def saw(line: str) -> None:
        if line.startswith(_STEPS):
            tell(f"installing {package}: {line[:100]}")

    try:
        venvs.run(argv, environment(), saw)
    except venvs.Failed as failed:
        raise Failed(
            "load.install_failed", f"it could not be installed: {failed.last[:300]}",
            f"package {package}",
            "See that the package exists and its index can be reached; it is tried again.",
        ) from None  # fmt: skip
