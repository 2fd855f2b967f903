"""Everything that moves rows, stopped in its tracks for a moment, as a power cut would find it.

Tables outside of PostgreSQL and Iceberg (Delta, for one) commit by files alone, so no mark in a
server's log says what they hold. While their writers are frozen, all stores stand at one moment,
and each stage resumes as from a crash. Whatever becomes of us, a helper thaws them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

# Nothing here moves rows; the console must go on showing that.
NEVER = frozenset({"console", "backup"})


def movers(state: Path, servers: Collection[str]) -> tuple[int, ...]:
    """What the supervisor runs, but for servers and those who only show or keep."""
    found = _services(state)
    return tuple(pid for name, pid in found if name not in NEVER and name not in servers)


def running(state: Path, names: Collection[str]) -> tuple[int, ...]:
    """Those of these services that the supervisor runs now."""
    return tuple(pid for name, pid in _services(state) if name in names)


def _services(state: Path) -> tuple[tuple[str, int], ...]:
    try:
        told = json.loads((state / "run" / "supervisor.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple((s["name"], int(s["pid"])) for s in told["services"] if s["pid"])


@contextlib.contextmanager
def frozen(pids: Collection[int]) -> Iterator[None]:
    """Stop these processes and all of their sessions' first groups; let them go on at the end."""
    if not pids:
        yield
        return
    names = " ".join(f"-{pid}" for pid in pids)
    # The pipe closes when we end, however we end; kill -9 included.
    helper = subprocess.Popen(
        ("/bin/sh", "-c", f"cat >/dev/null; kill -CONT {names} 2>/dev/null"),
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    assert helper.stdin is not None
    try:
        _send(pids, signal.SIGSTOP)
        yield
    finally:
        _send(pids, signal.SIGCONT)
        helper.stdin.close()
        helper.wait()


def _send(pids: Collection[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
