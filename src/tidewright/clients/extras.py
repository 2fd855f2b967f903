"""Extras: packages that do not go together with ours, each in a virtual environment of its own.

The folder's name holds a digest of the lock and the platform. Packages come from pip's configured
index, each by its hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tidewright import errors
from tidewright.clients import venvs
from tidewright.clients.venvs import Say
from tidewright.model import components

EVERY = 25  # packages between two lines of progress
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-compile")
_AWAY = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")
_REASONS = {
    "no space left": "The disk is full. Free some space and run the same command again.",
    "do not match the hashes": "A package is not the one that was pinned. Stop, and report it.",
    "could not find a version": "Check the index in pip's configuration (pip config list).",
    "connection": "Check the network, then run the same command again; pip's cache helps.",
}


def home(extra: components.Extra) -> Path:
    """The folder of one extra as it is pinned now, there or not."""
    told = hashlib.sha256(extra.lock.read_bytes() + repr(sys.platform).encode())
    return venvs.cache("extras") / f"{extra.name}-{told.hexdigest()[:12]}"


def python(extra: components.Extra) -> Path:
    """The interpreter that has the packages, there or not."""
    return venvs.python(home(extra))


def missing(extra: components.Extra) -> bool:
    """Whether it has to be installed first."""
    return not venvs.is_whole(home(extra))


def install(extra: components.Extra, say: Say) -> None:
    """Install what is missing. Two at once: the second waits, then finds the work done.

    Raises Refused without enough disk, Unsupported without a fitting Python, StepFailed when pip
    does not succeed; what is there then is made anew by the next call.
    """
    folder = home(extra)
    waiting = f"Another command installs {extra.title} now; waiting for it."
    with venvs.making(folder, lambda: say(waiting)) as is_missing:
        if not is_missing:
            return
        chosen = _python(extra)
        _announce(extra, folder, say)
        started = time.monotonic()
        _run([chosen, "-m", "venv", str(folder)], extra)
        _packages(extra, folder, say)
    say(f"{extra.title} is installed ({time.monotonic() - started:.0f} s).")


def _announce(extra: components.Extra, folder: Path, say: Say) -> None:
    say(
        f"Installing {extra.title} into {folder}: at most {extra.fetch_mb} MB to fetch, "
        f"{extra.disk_mb} MB on disk, about {extra.seconds} seconds on a fast line. "
        "It is done once for all platforms of this account."
    )
    free = shutil.disk_usage(folder.parent).free // 1_000_000
    if free < extra.disk_mb:
        raise errors.Refused(
            "local.disk_full",
            f"this disk has {free} MB free, and {extra.disk_mb} MB are needed",
            str(folder.parent),
            "Free some space, or set XDG_CACHE_HOME to a folder on another disk.",
        )


def _python(extra: components.Extra) -> str:
    """A Python that the packages have wheels for: this one, else one on PATH."""
    if sys.version_info[1] in extra.pythons:
        return sys.executable
    names = [f"python3.{minor}" for minor in extra.pythons]
    found = next((path for path in map(shutil.which, names) if path and _starts(path)), None)
    if found is None:
        raise errors.Unsupported(
            "local.extra_python",
            f"{extra.title} has packages for Python {' and '.join(n[6:] for n in names)} only; "
            f"this is {sys.version_info[0]}.{sys.version_info[1]}, and none of them is on PATH",
            "this machine",
            f"Install one (for example: apt install {names[0]} {names[0]}-venv), then repeat.",
        )
    return found


def _starts(path: str) -> bool:
    """Whether it really is a Python; a shim may be there and start nothing."""
    return subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0


def _packages(extra: components.Extra, folder: Path, say: Say) -> None:
    """All wheels, then the few packages that come as source, built with what is there."""
    text = extra.lock.read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    apart = {True: folder / "sources.lock", False: folder / "wheels.lock"}
    for is_source, file in apart.items():
        mine = [b for b in blocks if (_name(b) in extra.sources) == is_source]
        file.write_text("".join(mine), encoding="utf-8")
    pip = [str(venvs.python(folder)), *_PIP, "--progress-bar", "off", "--no-deps"]
    pip += ["--require-hashes"]
    total = len(_PINNED.findall(text))
    wheels = [*pip, "--only-binary", ":all:", "--requirement", str(apart[False])]
    _run(wheels, extra, _progress(total, say))
    if extra.sources:
        built = [*pip, "--no-build-isolation", "--requirement", str(apart[True])]
        _run(built, extra)


def _name(block: str) -> str:
    found = _PINNED.match(block)
    return found.group(1) if found else ""


def _progress(total: int, say: Say) -> Say:
    started, seen = time.monotonic(), 0

    def saw(line: str) -> None:
        nonlocal seen
        spent = f"({time.monotonic() - started:.0f} s)"
        if line.startswith("Collecting "):
            seen += 1
            if seen % EVERY == 0:
                say(f"  {seen} of {total} packages fetched {spent}")
        elif line.startswith("Installing collected"):
            say(f"  all fetched, unpacking {spent}")

    return saw


def _run(argv: Sequence[str], extra: components.Extra, saw: Say = lambda line: None) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in _AWAY}
    try:
        venvs.run(argv, kept, saw)
    except venvs.Failed as failed:
        said = "\n".join(failed.lines).lower()
        hint = next((h for words, h in _REASONS.items() if words in said), "Run the command again.")
        raise errors.StepFailed(
            "local.extra_failed",
            f"{extra.title} could not be installed: {failed.last}",
            str(home(extra)),
            hint,
        ) from None
