"""Compiled decoding, where the ``turbo`` extra is there: found lazily, compiled in the background.

The first compilation on a machine takes seconds and is kept in the user's cache folder; until it
is done, and without the extra, the plain forms do the work with the same result.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

TURBO = "tidewright.pipelines.decode.turbo"
NOTE = "decoding in plain Python, about ten times slower: {why}. Install tidewright[turbo]."
_log = logging.getLogger("tidewright.decode")


@dataclass(slots=True)
class _State:
    lock: threading.Lock = field(default_factory=threading.Lock)
    module: ModuleType | None = None
    asked: bool = False
    note: str | None = None


_state = _State()


def turbo() -> ModuleType | None:
    """The compiled module once it is ready; the first call starts making it so."""
    if _state.module is None and not _state.asked:
        with _state.lock:
            start, _state.asked = not _state.asked, True
        if start:
            threading.Thread(target=load, name="compile decoder", daemon=True).start()
    return _state.module


def load() -> ModuleType | None:
    """Make it ready now; None when it cannot be, and then ``note`` says why."""
    _state.asked = True
    try:
        module = importlib.import_module(TURBO)
        module.warm()
    except Exception as reason:  # whatever the compiler does, the plain form works
        _state.note = NOTE.format(why=f"numba cannot be used ({reason})".splitlines()[0])
        _log.warning(_state.note)
        return None
    _state.module = module
    return module


def note() -> str | None:
    """What a user should know about speed, if anything."""
    return _state.note


def cache_folder() -> Path | None:
    """A folder of the user for compiled code; None when there is no safe one.

    Compiled code is loaded by unpickling, so a folder that others can write is never used.
    """
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(home).expanduser() / "tidewright" / "numba"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        facts = folder.stat()
    except (OSError, RuntimeError):
        return None
    ours = facts.st_uid == os.geteuid() and not facts.st_mode & 0o022
    return folder if ours and os.access(folder, os.W_OK) else None
