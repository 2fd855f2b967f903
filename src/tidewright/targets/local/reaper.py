"""Ends what a supervisor left behind: ``python -m tidewright.targets.local.reaper --root DIR``.

Started by the guardian at the moment the supervisor dies, by a new supervisor before it starts
anything, and by any command that finds a run-file without a supervisor. It recognises our
processes by the marker in their environment and by the run-file (pid and start time), and takes
their descendants with them. psutil is imported here alone, away from long-lived processes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from tidewright.targets.local import description, lock, reaper_command

PATIENCE = 10.0
# The wall clock at the start of a process, as two programs compute it.
_SAME_START = 2.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One process of this machine, as far as it matters here."""

    pid: int
    parent: int
    session: int
    started: float
    root: str | None


def family(seen: Iterable[Seen], root: str, recorded: Mapping[int, float]) -> frozenset[int]:
    """The pids that belong to ``root``: marked or recorded ones, their sessions and descendants."""
    everybody = {p.pid: p for p in seen}
    ours = {
        p.pid
        for p in everybody.values()
        if p.root == root or abs(recorded.get(p.pid, -1e9) - p.started) < _SAME_START
    }
    # A session outlives its leader, and its number is not given away meanwhile. A leader with
    # another start time is a stranger who got the number after the whole session had ended.
    sessions = ours | {pid for pid in recorded if pid not in everybody}
    grown = True
    while grown:
        more = {
            p.pid
            for p in everybody.values()
            if p.pid not in ours and (p.parent in ours or p.session in sessions)
        }
        ours |= more
        grown = bool(more)
    return frozenset(ours - {os.getpid()})


def look(root: Path) -> frozenset[int]:
    """The leftovers of ``root`` that run at this moment."""
    return family(_processes(), str(root), _recorded(root))


def reap(root: Path) -> int:
    """Kill all leftovers; returns how many there were. Whoever calls holds the lock."""
    deadline, ended = time.monotonic() + PATIENCE, set[int]()
    while (found := look(root)) and time.monotonic() < deadline:
        ended |= found
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, 9)
        time.sleep(0.02)
    if not found:
        (root / "run" / reaper_command.RUN_FILE).unlink(missing_ok=True)
    return len(ended)


def _processes() -> Iterable[Seen]:
    for process in psutil.process_iter():
        # Zombies are dead: whoever is process 1 here may not collect them.
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE:
                yield Seen(
                    process.pid,
                    process.ppid(),
                    os.getsid(process.pid),
                    process.create_time(),
                    _marker(process),
                )


def _marker(process: psutil.Process) -> str | None:
    try:
        value = process.environ().get(description.MARKER)
    except (psutil.Error, OSError):
        return None
    return str(value) if value is not None else None


def _recorded(root: Path) -> dict[int, float]:
    try:
        found = json.loads((root / "run" / reaper_command.RUN_FILE).read_text(encoding="utf-8"))
        return {int(pid): float(started) for pid, started in found.values()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def main() -> int:
    """Reap, unless a living supervisor holds the lock: then the processes are its own."""
    parser = argparse.ArgumentParser(prog="tidewright-reaper")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--locked", action="store_true", help="the caller holds the lock")
    options = parser.parse_args()
    if options.locked:
        print(reap(options.root))  # noqa: T201  the caller reads the count
        return 0
    with lock.held(options.root) as got:
        if got:
            print(reap(options.root))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
