"""How a command acts on an environment of this target: write files, start, signal, look.

The supervisor does the rest. Everything here is quick except ``write`` of a first copy of
programs; waiting for health belongs to ``operations.up``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TypeAlias, TypeVar

from tidewright import errors
from tidewright.kit import files
from tidewright.model import codec, observed
from tidewright.targets.local import (
    description,
    layout,
    lock,
    logfiles,
    reaper_command,
    render,
    supervisor_files,
)

T = TypeVar("T")
Process: TypeAlias = "subprocess.Popen[bytes]"
_SAID = "supervisor.err"


def running(place: layout.Layout) -> bool:
    """Whether a supervisor runs this environment now."""
    return lock.holder(place.root) is not None


def runs(place: layout.Layout, status: observed.SupervisorStatus) -> bool:
    """Whether the supervisor that wrote ``status`` is the one that runs now."""
    return lock.holder(place.root) == status.pid


def reap(place: layout.Layout) -> int:
    """End what a crash left; nothing while a supervisor runs. Returns how many processes."""
    if running(place):
        return 0
    return reaper_command.reap(place.root)


def write(place: layout.Layout, rendered: render.Rendered) -> None:
    """Write what changed, ``services.json`` last; remove files that are no longer rendered."""
    with layout.refusing(place.root):
        for path, content in rendered.files.items():
            if path != description.FILE:
                _write(place, path, content, rendered.accounts.get(path))
        _write(place, description.FILE, rendered.files[description.FILE], None)
        _remove_others(place, frozenset(rendered.files))


def write_description(place: layout.Layout, new: description.Description) -> None:
    """Write ``services.json`` alone, for a while: the next ``write`` brings the whole back."""
    with layout.refusing(place.root):
        _write(place, description.FILE, codec.pretty(new), None)


def current(place: layout.Layout) -> description.Description | None:
    """What was written last; None when nothing readable was."""
    try:
        return description.read(place.root)
    except (OSError, ValueError, TypeError):
        return None


def start(place: layout.Layout, *, attached: bool = False) -> Process | None:
    """Start a supervisor in a session of its own; it holds the lock when this returns.

    ``attached``: it ends when the returned process's standard input is closed, so that it does
    not outlive this command in whatever way this command ends. Otherwise nobody waits for it.
    """
    argv = [sys.executable, "-P", "-m", "tidewright.targets.local.supervisor"]
    argv += ["--root", str(place.root), "--attached" if attached else "--detach"]
    with layout.refusing(place.logs), (place.logs / _SAID).open("wb") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=place.root,
            start_new_session=True,
        )
    if attached:
        _await_lock(place, process)
        return process
    if process.wait() != 0:
        raise _not_started(place)
    return None


def reload(place: layout.Layout) -> None:
    """Make the supervisor read ``services.json`` again."""
    _signal(place, signal.SIGHUP)


def ask_stop(place: layout.Layout) -> None:
    """Begin an ordered stop."""
    _signal(place, signal.SIGTERM)


def status(place: layout.Layout) -> observed.SupervisorStatus | None:
    """What the supervisor said last, running or not."""
    return read_status(place, observed.SupervisorStatus, supervisor_files.STATUS)


def read_status(place: layout.Layout, kind: type[T], name: str) -> T | None:
    """A status file of ``run/``; None when it is not there or not readable yet."""
    try:
        return codec.loads(kind, (place.run / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return None


def log_files(place: layout.Layout, service: str) -> tuple[Path, ...]:
    """A service's log files, oldest first."""
    newest = place.logs / f"{service}.log"
    older = [newest.with_name(f"{newest.name}.{n}") for n in range(logfiles.KEPT, 0, -1)]
    return tuple(p for p in (*older, newest) if p.exists())


def _write(place: layout.Layout, path: str, content: str, account: str | None) -> None:
    target = place.root / path
    folder = target.parent
    if folder != place.root:
        files.private_folder(folder)
        layout.own(folder, account)
    with contextlib.suppress(OSError):
        if target.read_text(encoding="utf-8") == content:
            return
    files.replace_private(target, content)
    layout.own(target, account)


def _remove_others(place: layout.Layout, keep: frozenset[str]) -> None:
    for path in sorted((place.root / "config").rglob("*"), reverse=True):
        if path.is_dir():
            with contextlib.suppress(OSError):  # still in use
                path.rmdir()
        elif str(path.relative_to(place.root)) not in keep:
            path.unlink()


def _await_lock(place: layout.Layout, process: Process) -> None:
    while process.poll() is None:
        if lock.holder(place.root) == process.pid:
            return
        time.sleep(0.02)
    raise _not_started(place)


def _not_started(place: layout.Layout) -> errors.StepFailed:
    said = (place.logs / _SAID).read_text(encoding="utf-8", errors="replace")
    lines = said.strip().splitlines()
    return errors.StepFailed(
        "local.supervisor",
        f"the supervisor did not start: {lines[-1] if lines else 'it said nothing'}",
        str(place.root),
        f"See logs/{_SAID} there, then run the command again.",
    )


def _signal(place: layout.Layout, number: signal.Signals) -> None:
    pid = lock.holder(place.root)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
