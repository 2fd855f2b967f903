"""Packages that only some platforms need: installed when one of them is started, with progress.

Each extra has a lock of its own beside this module, with versions and hashes, made by ``.ci/lock``.
What is installed is what the lock names, from the index that pip or uv is configured with.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.assemble import catalog
from tidewright.clients import venvs
from tidewright.model import platform as nouns

LOCKS = Path(__file__).with_name("extras_locks")


@dataclass(frozen=True, slots=True)
class Extra:
    """``modules``: there when it is installed. ``megabytes``: what it takes on disk, about."""

    modules: tuple[str, ...]
    what: str
    megabytes: int


EXTRAS: Mapping[str, Extra] = {
    "delta": Extra(("deltalake",), "Delta tables", 140),
    "native": Extra(
        ("confluent_kafka", "jgo", "trino", "dbt.adapters.trino"), "speaking to the engines", 32
    ),
}


def ensure(platform: nouns.Platform, say: Callable[[str], None]) -> None:
    """Install what the platform's components need and this Python lacks. Raises StepFailed."""
    used = [s.component for s in platform.services if s.component in catalog.COMPONENTS]
    wanted = dict.fromkeys(name for c in used for name in catalog.component(c).extras)
    for name in wanted:
        if any(importlib.util.find_spec(module) is None for module in EXTRAS[name].modules):
            _install(name, EXTRAS[name], say)


def _install(name: str, extra: Extra, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    names = ", ".join(extra.modules)
    say(f"Installing {names} for {extra.what} (once, about {extra.megabytes} MB on disk).")
    command = [*_installer(name), "--requirement", str(LOCKS / f"{name}.txt")]
    try:
        venvs.run(command, os.environ)
    except venvs.Failed as failed:
        raise errors.StepFailed(
            "local.extra_failed",
            f"{names} could not be installed: {failed.last}",
            "this Python environment",
            "Check the network and the index in pip's configuration, then run it again.",
        ) from None
    importlib.invalidate_caches()
    say(f"Installed {names} in {time.monotonic() - began:.0f} s.")


def _installer(name: str) -> list[str]:
    """How packages come into this Python: its own pip, or uv."""
    safe = ["--require-hashes", "--no-deps"]
    if importlib.util.find_spec("pip") is not None:
        quiet = ["--disable-pip-version-check", "--no-input", "--only-binary=:all:", "--quiet"]
        return [sys.executable, "-m", "pip", "install", *quiet, *safe]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--python", sys.executable, *safe]
    raise errors.Unsupported(
        "local.no_installer", "neither pip nor uv is here to install what this platform needs",
        "this Python environment", f"Install it as you installed tidewright: tidewright[{name}]",
    )  # fmt: skip
