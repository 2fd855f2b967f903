"""Starting a service's processes: environment, account, session, and its preparations.

Every process gets the marker ``TIDEWRIGHT_ROOT``: it is how ``reaper`` recognises what belongs
to an environment whose supervisor is gone. No secret is ever put in an environment or argument.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
from pathlib import Path
from typing import Any

from tidewright.kit import files
from tidewright.targets.local import description, layout
from tidewright.vault import files as vault

_INHERITED = (
    "HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "PYTHONPATH", "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "USER",
)  # fmt: skip
# A file of the user's own beside platform.yaml must not pass for a module (PYTHONSAFEPATH).
_PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}


def environment(unit: description.Unit) -> dict[str, str]:
    """What the process sees: a few names of ours, the unit's own, and the marker."""
    inherited = {k: os.environ[k] for k in _INHERITED if k in os.environ}
    root = str(Path(unit.folder).parent.parent)
    found = inherited | _PYTHON | dict(unit.env) | {description.MARKER: root}
    if unit.account:
        found |= {"HOME": unit.folder, "USER": unit.account, "LOGNAME": unit.account}
    return found


async def start(
    argv: tuple[str, ...],
    unit: description.Unit,
    output: int,
    stdin: int = asyncio.subprocess.DEVNULL,
) -> asyncio.subprocess.Process:
    """A new process in a session of its own. Raises OSError when it cannot be started."""
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=stdin,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT if output == asyncio.subprocess.PIPE else output,
        cwd=unit.folder,
        env=environment(unit),
        start_new_session=True,
        umask=umask(unit),
        **_account(unit),
    )


def umask(unit: description.Unit) -> int:
    """What a new file of the unit keeps from others.

    Root's own group is root's alone, and below the lake it is the group of the lake's readers.
    """
    return 0o027 if os.geteuid() == 0 and not unit.account else 0o077


def make_folder(unit: description.Unit) -> None:
    """The unit's working folder, its own and nobody else's."""
    folder = files.private_folder(Path(unit.folder))
    layout.own(folder, unit.account)


def forget_dead(unit: description.Unit) -> None:
    """Remove a pid file that names a process which is not this program, or is dead.

    A dead process that nobody collected (a container whose process 1 does not) still answers to
    its number, and so does a stranger who got it after a reboot. The program would then refuse
    to start for ever. Where there is no /proc, the program's own judgement stands.
    """
    if unit.pid_file is None:
        return
    file = Path(unit.pid_file)
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(file.read_text(encoding="utf-8").split()[0])
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        dead = told.rpartition(")")[2].split()[0] in ("Z", "X")
        if dead or not Path(f"/proc/{pid}/exe").samefile(unit.argv[0]):
            file.unlink()


def end_orphans(unit: description.Unit) -> None:
    """End what outlived the unit's process outside of its session, before it is started again.

    Each backend of PostgreSQL has a session of its own. One that hangs when its server is killed
    keeps the memory that the next server needs. Ours are known by program and working folder.
    """
    folder = Path(unit.folder).resolve()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            here = (entry / "cwd").readlink().is_relative_to(folder)
            if here and (entry / "exe").samefile(unit.argv[0]):
                os.kill(int(entry.name), signal.SIGKILL)


async def prepare(unit: description.Unit, output: int) -> str:
    """Run what has not been prepared yet. Returns "" or what went wrong.

    ``creates`` appears at once, by a rename: a preparation that a crash cut short is repeated.
    """
    pending = [step for step in unit.prepare if not Path(step.creates).exists()]
    for step in pending:
        code = await _run(step, unit, output)
        if code != 0:
            return f"{Path(step.argv[0]).name} ended with {code}"
    return ""


async def _run(step: description.Preparation, unit: description.Unit, output: int) -> int:
    if step.stdin_secret is None:
        return await _finish(await start(step.argv, unit, output))
    value = vault.read(Path(unit.folder).parent.parent / "secrets", step.stdin_secret)
    read_end, write_end = os.pipe()
    try:
        _hand_over(read_end, unit)
        process = await start(step.argv, unit, output, stdin=read_end)
        os.write(write_end, value.encode() + b"\n")
    finally:
        os.close(read_end)
        os.close(write_end)
    return await _finish(process)


async def _finish(process: asyncio.subprocess.Process) -> int:
    """Its exit code. A service that is stopped meanwhile takes its preparation along."""
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _hand_over(handle: int, unit: description.Unit) -> None:
    """``/dev/stdin`` opens the pipe anew, which the kernel allows to its owner only."""
    if unit.account:
        entry = pwd.getpwnam(unit.account)
        os.fchown(handle, entry.pw_uid, entry.pw_gid)


def _account(unit: description.Unit) -> dict[str, Any]:
    if not unit.account:
        return {}
    entry = pwd.getpwnam(unit.account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
