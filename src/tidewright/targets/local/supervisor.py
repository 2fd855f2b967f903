"""The supervisor of one environment: ``python -m tidewright.targets.local.supervisor --root DIR``.

It runs what ``services.json`` says, in the order of health, and says how everything is in
``run/supervisor.json``. SIGTERM stops all in reverse order, SIGHUP reads the file again and
converges. A guardian waits on a pipe from here: when this process dies, however it dies, the
pipe ends and the guardian becomes the reaper. Imports are few on purpose: this process stays.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tidewright.kit import files
from tidewright.model import codec, observed
from tidewright.targets.local import (
    description,
    lock,
    logfiles,
    reaper_command,
    service,
    supervisor_files,
)

EVERY = 1.0

REFUSED = 4
_LOCK_PATIENCE = 0.5


class Supervisor:
    """All runners of one environment, and the files that tell of them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._log = logfiles.LogFile(root / "logs" / "supervisor.log")
        self._changes = service.Changes()
        self._context = service.Context(root / "logs", self._changes, self._is_ready, self._heard)
        self._runners: dict[str, service.Runner] = {}
        self._description = description.Description("", "", ())
        self._state: str = "starting"
        self._converged = ""
        self._started = time.time()
        self._said: dict[str, tuple[str, str]] = {}
        self._asked: asyncio.Queue[str] = asyncio.Queue()

    def ask(self, what: str) -> None:
        """``stop`` or ``reload``, done in the order of asking."""
        self._asked.put_nowait(what)

    async def run(self) -> None:
        """Everything from the first start to the last stop."""
        telling = asyncio.create_task(self._tell_forever())
        guarding = asyncio.create_task(self._guard())
        try:
            self.ask("reload")
            while await self._asked.get() != "stop":
                await self._converge()
            self._state = "stopping"
            await self._stop(self._runners)
        finally:
            telling.cancel()
            guarding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await guarding
            self._state = "stopped"
            self._tell()

    def _is_ready(self, name: str) -> bool:
        runner = self._runners.get(name)
        return runner is not None and runner.ready

    async def _converge(self) -> None:
        """Stop what is gone or different, then start what is new. What is equal keeps running."""
        try:
            new = description.read(self._root)
        except (OSError, ValueError, TypeError) as reason:
            self._log.write(f"{description.FILE} cannot be read, nothing changed: {reason}")
            return
        keep = {u.name for u in new.units if self._keeps(u)}
        await self._stop(name for name in self._runners if name not in keep)
        self._runners = {n: r for n, r in self._runners.items() if n in keep}
        self._description = new
        for unit in new.units:
            if unit.name in keep:
                self._runners[unit.name].unit = unit
            else:
                self._runners[unit.name] = service.Runner(unit, self._context)
                self._runners[unit.name].begin()
        self._state, self._converged = "running", new.digest
        self._changes.announce()

    def _keeps(self, unit: description.Unit) -> bool:
        runner = self._runners.get(unit.name)
        return runner is not None and runner.unit.definition == unit.definition

    async def _stop(self, names: Iterable[str]) -> None:
        """Stop these services, each after those that need it."""
        wanted = set(names)
        tasks: dict[str, asyncio.Task[None]] = {}

        async def one(name: str) -> None:
            waiting = [d for d in self._description.dependents(name) if d in wanted]
            await asyncio.gather(*(task(d) for d in waiting))
            await self._runners[name].stop()

        def task(name: str) -> asyncio.Task[None]:
            if name not in tasks:
                tasks[name] = asyncio.create_task(one(name))
            return tasks[name]

        await asyncio.gather(*[task(name) for name in sorted(wanted)])

    async def _tell_forever(self) -> None:
        while True:
            self._tell()
            if not (self._root / "run").is_dir():
                self.ask("stop")  # somebody removed the folder under us: nobody can stop us later
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changes.wait(), EVERY)

    def _tell(self) -> None:
        """Write the status and the run-file. A full disk must not end us."""
        status = observed.SupervisorStatus(
            at_ms=int(time.time() * 1000),
            pid=os.getpid(),
            started=self._started,
            state=self._state,  # type: ignore[arg-type]  # set to its literals only
            services=tuple(r.state for _, r in sorted(self._runners.items())),
            description=self._converged,
        )
        run = self._root / "run"
        with contextlib.suppress(OSError):
            files.replace(
                run / supervisor_files.STATUS, codec.dumps(status), files.PRIVATE_FILE, sync=False
            )
            recorded = json.dumps(self._context.spawned, sort_keys=True)
            files.replace(run / reaper_command.RUN_FILE, recorded, files.PRIVATE_FILE, sync=False)

    def _heard(self, state: observed.ServiceState) -> None:
        """A service changed: wake who waits for it, and log it when that is worth a line."""
        words = (state.state, state.message if state.state in ("backoff", "unhealthy") else "")
        # A reason that only counts its seconds is worth one line.
        key = (words[0], re.sub(r"\d+", "", words[1]))
        if self._said.get(state.name) != key:
            self._said[state.name] = key
            self._log.write(": ".join(w for w in (f"{state.name} {words[0]}", words[1]) if w))
        self._changes.announce()

    async def _guard(self) -> None:
        """Keep a guardian: a shell that does nothing but wait for our end of its pipe to close."""
        process = None
        try:
            while True:
                process = await asyncio.create_subprocess_exec(
                    *reaper_command.guardian(self._root),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                    cwd="/",
                    start_new_session=True,
                )
                await process.wait()
                self._log.write("the guardian ended and is started again")
                await asyncio.sleep(EVERY)
        finally:
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


async def _main(root: Path, *, attached: bool) -> None:
    loop = asyncio.get_running_loop()
    supervisor = Supervisor(root)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.ask, "stop")
    loop.add_signal_handler(signal.SIGHUP, supervisor.ask, "reload")
    if attached:
        loop.add_reader(sys.stdin.fileno(), _at_end_of_input, loop, supervisor)
    await supervisor.run()


def _at_end_of_input(loop: asyncio.AbstractEventLoop, supervisor: Supervisor) -> None:
    """The command that stays in the foreground is gone: so are we."""
    if not os.read(sys.stdin.fileno(), 1024):
        loop.remove_reader(sys.stdin.fileno())
        supervisor.ask("stop")


def _detach() -> int:
    """Go on in a child that nobody waits for. Our caller's answer is whether it got the lock."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        os.close(read_end)
        return write_end
    os.close(write_end)
    os._exit(0 if os.read(read_end, 1) else REFUSED)


def main() -> int:
    """Take the lock, remove what a crash left, run."""
    parser = argparse.ArgumentParser(prog="tidewright-supervisor")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--attached", action="store_true", help="end with standard input")
    parser.add_argument("--detach", action="store_true", help="return when it holds the lock")
    options = parser.parse_args()
    ready = _detach() if options.detach else None
    deadline = time.monotonic() + _LOCK_PATIENCE
    while True:
        with lock.held(options.root) as got:
            if got:
                if ready is not None:
                    os.write(ready, b"1")
                    os.close(ready)
                reaper_command.reap_locked(options.root)
                asyncio.run(_main(options.root, attached=options.attached))
                # The lock goes with the process: whoever sees it free finds nothing of ours.
                os._exit(0)
        # Someone who only asks whether we run holds the lock for a moment.
        if time.monotonic() > deadline:
            sys.stderr.write("another supervisor runs this environment\n")
            return REFUSED
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
