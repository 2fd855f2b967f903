"""One service's life: wait for its needs, start, probe, and start again after a failure.

``Runner`` owns one unit. What its neighbours and the status file see is ``state``; every change
is announced through ``Changes``. Stopping is asked for by ``stop``, in the order that
``supervisor`` decides.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from tidewright import errors
from tidewright.kit import ports
from tidewright.model import observed
from tidewright.targets.local import backoff, description, logfiles, probes, spawn

STARTING_EVERY = 0.1
RUNNING_EVERY = 1.0
# Failed probes in a row before a running service counts as unhealthy, and seconds until it is
# started again. A service that answers "I am not well" is left alone: it knows its reason.
MISSES = 3
GRACE = 30.0
START_GRACE = 300.0
# Seconds in which a service that says of itself "not yet" is starting; after that it is unhealthy.
NOT_YET = 5.0


class Changes:
    """Wakes everybody who waits for a state to change."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def announce(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    def wait(self) -> Coroutine[None, None, bool]:
        """For the next change from this call on, even when it is awaited later, in a task."""
        return self._event.wait()


@dataclass(slots=True)
class Context:
    """What all runners of one supervisor share."""

    logs: Path
    changes: Changes
    is_ready: Callable[[str], bool]
    heard: Callable[[observed.ServiceState], None]
    spawned: dict[str, tuple[int, float]] = field(default_factory=dict)


class Runner:
    """Keeps one unit running until it is told to stop."""

    def __init__(self, unit: description.Unit, context: Context) -> None:
        self.unit = unit
        self.state: observed.ServiceState = _first_state(unit)
        self._context = context
        self._log = logfiles.LogFile(context.logs / f"{unit.name}.log")
        self._backoff = backoff.Backoff()
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """What its dependents wait for."""
        return self.state.healthy

    def begin(self) -> None:
        self._task = asyncio.create_task(self._live(), name=self.unit.name)

    async def stop(self) -> None:
        """Ask the service to end, insist after its deadline, and leave nothing of its session."""
        self._stopping.set()
        process = self._process
        if process is not None and process.returncode is None:
            self._set("stopping", "")
            await self._end(process)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._set("stopped", "")
        self._log.close()

    async def _live(self) -> None:
        while not self._stopping.is_set():
            await self._wait_for_needs()
            reason = await self._run_once()
            if self._stopping.is_set() or self.state.state == "done":
                return
            delay = self._backoff.next(time.monotonic())
            self._set("backoff", f"{reason}; starts again in {delay:.1f} s", again=True)
            await asyncio.sleep(delay)

    async def _wait_for_needs(self) -> None:
        while missing := [n for n in self.unit.needs if not self._context.is_ready(n)]:
            self._set("waiting", f"waits for {', '.join(missing)}")
            await self._context.changes.wait()

    async def _run_once(self) -> str:
        """Start the process and stay with it until it ends. Returns why it is not running."""
        self._set("starting", "")
        self._log.forget()
        taken = [p for p in self.unit.ports if not ports.is_free(p)]
        if taken:
            return f"port {taken[0]} is in use by another program; `tidewright up` chooses another"
        try:
            output = await self._pipe()
            try:
                spawn.make_folder(self.unit)
                spawn.forget_dead(self.unit)
                wrong = await spawn.prepare(self.unit, output)
                if wrong:
                    return self._because(wrong)
                self._process = await spawn.start(self.unit.argv, self.unit, output)
            finally:
                os.close(output)
        except (OSError, KeyError) as reason:
            return f"cannot be started: {reason}"
        except errors.PlatformError as reason:
            return f"{reason.what}. {reason.hint}"
        return await self._stay(self._process)

    async def _stay(self, process: asyncio.subprocess.Process) -> str:
        self._context.spawned[self.unit.name] = (process.pid, time.time())
        watching = asyncio.create_task(self._watch(process))
        try:
            code = await process.wait()
        finally:
            watching.cancel()
            self._context.spawned.pop(self.unit.name, None)
            _kill_session(process.pid)
            spawn.end_orphans(self.unit)
        # The pipe's last lines arrive by the event loop, after the news of the end.
        await asyncio.sleep(0.05)
        if self.unit.kind == "task" and code == 0:
            self._set("done", "")
        if code < 0:
            return self._because(f"was ended by {_signal_name(-code)}")
        return self._because(f"ended with exit code {code}")

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Probe for as long as the process runs; end it when it hangs."""
        born_ms = int(time.time() * 1000)
        self._set("starting" if self.unit.kind == "server" else "running", "")
        if self.unit.kind == "task":
            return
        born = last_good = time.monotonic()
        misses = 0
        while True:
            verdict = await probes.ask(self.unit, born_ms)
            now = time.monotonic()
            misses = 0 if verdict.ok else misses + 1
            if verdict.ok or verdict.alive:
                last_good = now
            if verdict.ok:
                self._backoff.healthy(now)
            self._judge(verdict, misses, now - born)
            up = self.state.state in ("running", "unhealthy")
            if now - last_good > (GRACE if up else START_GRACE):
                self._log.write("tidewright: it does not answer and is started again")
                await self._end(process)
                return
            await asyncio.sleep(RUNNING_EVERY if up else STARTING_EVERY)

    def _judge(self, verdict: probes.Verdict, misses: int, age: float) -> None:
        if self._stopping.is_set():
            return
        if verdict.ok:
            self._set("running", self._log.trouble or verdict.message)
        elif self.state.state == "starting":
            late = verdict.alive and age > NOT_YET
            self._set("unhealthy" if late else "starting", verdict.message)
        elif misses >= MISSES or verdict.alive:
            self._set("unhealthy", verdict.message or self._log.telling())

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """The stop signal, then the deadline, then the whole session."""
        wanted = signal.SIGINT if self.unit.stop_signal == "INT" else signal.SIGTERM
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(wanted)
        try:
            await asyncio.wait_for(process.wait(), self.unit.stop_seconds)
        except TimeoutError:
            self._log.write(
                f"tidewright: it did not stop in {self.unit.stop_seconds:.0f} s, killed"
            )
        _kill_session(process.pid)
        await process.wait()

    async def _pipe(self) -> int:
        """The write end of a pipe into the log. Its reader ends when the last writer does."""
        read_end, write_end = os.pipe()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: self._log, os.fdopen(read_end, "rb", 0))
        return write_end

    def _because(self, fact: str) -> str:
        said = self._log.telling()
        return f"{fact}: {said}" if said else fact

    def _set(self, state: str, message: str, *, again: bool = False) -> None:
        running = self._process is not None and self._process.returncode is None
        new = observed.ServiceState(
            name=self.unit.name,
            role=self.unit.role,
            state=state,  # type: ignore[arg-type]  # only literals of that type are passed above
            pid=self._process.pid if running and self._process else None,
            healthy=state in ("running", "done")
            and not (self.unit.kind == "task" and state != "done"),
            message=message,
            restarts=self.state.restarts + again,
        )
        if new != self.state:
            self.state = new
            self._context.heard(new)


def _first_state(unit: description.Unit) -> observed.ServiceState:
    return observed.ServiceState(unit.name, unit.role, "waiting", None, healthy=False, message="")


def _kill_session(leader: int) -> None:
    """End what is left of a process's group; its number is its own while it has members."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
