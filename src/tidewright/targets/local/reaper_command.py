"""How the reaper is started, for those who stay too long to load it themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUN_FILE = "processes.json"
# ``read`` blocks until the pipe's last writer, the supervisor, is gone. A shell is a tenth of
# the memory of a second Python, and there is nothing to go wrong in it.
_WAIT = 'while read -r _; do :; done; exec "$@"'


def command(root: Path) -> list[str]:
    """The reaper's own command line."""
    return [sys.executable, "-P", "-m", "tidewright.targets.local.reaper", "--root", str(root)]


def guardian(root: Path) -> list[str]:
    """Wait for the end of standard input, then become the reaper."""
    return ["/bin/sh", "-c", _WAIT, "tidewright-guardian", *command(root)]


def has_leftovers(root: Path) -> bool:
    """Whether a run-file names processes: a supervisor that ended in order leaves it empty."""
    try:
        text = (root / "run" / RUN_FILE).read_text(encoding="utf-8")
    except OSError:
        return False
    return text.strip() not in ("", "{}")


def reap(root: Path) -> int:
    """Remove what a crash left, unless a supervisor runs. Returns how many processes that were."""
    return _run(root) if has_leftovers(root) else 0


def reap_locked(root: Path) -> int:
    """The same for a caller who holds the lock."""
    return _run(root, "--locked") if has_leftovers(root) else 0


def _run(root: Path, *more: str) -> int:
    done = subprocess.run([*command(root), *more], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    return int(words[0]) if words and words[0].isdecimal() else 0
