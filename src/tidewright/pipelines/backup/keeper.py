"""The backup service: a point when it is due, old ones forgotten, and how all that is.

A run that fails is tried again soon, and said until one succeeds. A drill that is overdue is said
here as well, since nobody reads a report that was never written.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tidewright import errors
from tidewright.kit import files, quantity, schedule
from tidewright.model import backups, codec, jobs, observed
from tidewright.pipelines.backup import create, faults, kept, prune, store
from tidewright.vault import sealing

AGAIN_SECONDS = 30.0
EVERY = 1.0


class Keeper:
    """``run`` until told to stop. The thread that makes a point never writes the status."""

    def __init__(self, job: jobs.BackupJob, say: Callable[[str], None]) -> None:
        self._job, self._say = job, say
        self._begun = int(time.time() * 1000)
        self._point: backups.Point | None = None
        self._seconds: float | None = None
        self._problem = ""
        self._retry_at = 0.0
        self._size = (0, 0)
        self._working: threading.Thread | None = None
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End soon; a point that is being made is given up, and nothing of it counts."""
        self._stopping.set()

    def run(self) -> None:
        """The loop."""
        self._attempt(self._look)
        while not self._stopping.is_set():
            self._begin_when_due()
            self._tell()
            self._stopping.wait(EVERY)

    # -- work -------------------------------------------------------------------------------------

    def _begin_when_due(self) -> None:
        busy = self._working is not None and self._working.is_alive()
        rule = self._job.timing.rule
        if busy or (rule.every is None and rule.cron is None) or time.monotonic() < self._retry_at:
            return
        if self._next_ms() <= int(time.time() * 1000):
            self._working = threading.Thread(
                target=self._attempt, args=(self._work,), name="backup", daemon=True
            )
            self._working.start()

    def _next_ms(self) -> int:
        last = self._point.at_ms if self._point else None
        return schedule.due(self._job.timing.rule, last, int(time.time() * 1000))

    def _attempt(self, act: Callable[[], None]) -> None:
        """Whatever goes wrong is said and tried again; it never ends the service."""
        try:
            act()
            self._problem = ""
        except errors.PlatformError as reason:
            self._failed(reason.finding.line)
        except (OSError, ValueError) as reason:
            self._failed(f"{type(reason).__name__}: {reason}")

    def _failed(self, problem: str) -> None:
        self._problem = problem
        self._retry_at = time.monotonic() + AGAIN_SECONDS
        self._say(problem)

    def _look(self) -> None:
        """What is there from before."""
        into, maker = store.Store(kept.place(self._job)), kept.keys(self._job, self._say)
        self._point = create.newest(into, maker)
        self._size = (len(into.ids()), sum(into.blobs().values()))

    def _work(self) -> None:
        began = time.monotonic()
        with kept.alone(self._job):
            making = kept.making(self._job, self._say, faults.from_environment(os.environ))
            self._point = create.create(making)
            checker = sealing.Checker(making.maker.public)
            gone = prune.prune(making.into, checker, self._job.keep, self._job.timing.zone)
            self._size = (len(making.into.ids()), sum(making.into.blobs().values()) - gone.bytes)
        self._seconds = round(time.monotonic() - began, 3)
        self._say(f"point {self._point.id}: {self._point.added:,} bytes new, {self._seconds:.1f} s")
        if gone.unreadable:
            what = f"{len(gone.unreadable)} points cannot be read, so no space is freed"
            hint = "Look at them: tidewright backup list"
            raise errors.StepFailed("backup.manifest", what, gone.unreadable[0], hint)

    # -- telling ----------------------------------------------------------------------------------

    def _tell(self) -> None:
        state, message = self._state()
        status = observed.BackupStatus(
            at_ms=int(time.time() * 1000), pid=os.getpid(), healthy=True, state=state,
            message=message, point=self._point.id if self._point else None,
            point_ms=self._point.at_ms if self._point else None,
            next_ms=self._next_ms() if self._job.timing.every or self._job.timing.cron else None,
            points=self._size[0], bytes=self._size[1], last_seconds=self._seconds,
            worst_loss=schedule.worst_loss(self._job.timing.rule),
        )  # fmt: skip
        with contextlib.suppress(OSError):
            path = Path(str(self._job.status))
            files.replace(path, codec.dumps(status), files.PRIVATE_FILE, sync=False)

    def _state(self) -> tuple[Literal["starting", "running", "degraded"], str]:
        if self._problem:
            return "degraded", self._problem
        late = self._late() or self._drill()
        if late:
            return "degraded", late
        if self._point is None:
            return "starting", "no recovery point yet"
        loose = not_exact(self._point)
        if loose:
            return "degraded", loose
        return "running", f"newest point {self._point.id}"

    def _late(self) -> str:
        """A point that should have been there by now."""
        loss = schedule.worst_loss(self._job.timing.rule)
        since = self._point.at_ms if self._point else self._begun
        age = time.time() - since / 1000
        if loss is None or age <= loss:
            return ""
        return (
            f"the newest point is {quantity.said(int(age))} old; {quantity.said(loss)} is the most"
        )

    def _drill(self) -> str:
        """A drill that is older than the file allows."""
        allowed = self._job.timing.drill
        if allowed is None:
            return ""
        file = Path(str(self._job.state)) / "drills" / "last.json"
        good = None
        with contextlib.suppress(OSError, ValueError, TypeError):
            good = codec.loads(observed.DrillStatus, file.read_text(encoding="utf-8")).good_ms
        first = self._point.at_ms if self._point and self._point.sequence == 1 else self._begun
        age = time.time() - (good if good is not None else first) / 1000
        if age <= allowed:
            return ""
        return (
            f"no drill was good for {quantity.said(int(age))}, and the file allows "
            f"{quantity.said(allowed)}: run `tidewright drill`"
        )


def not_exact(point: backups.Point) -> str:
    """Which flows do not stand where their server does, and why; nothing when all do."""
    loose = "; ".join(f"{f.name}: {f.reason}" for f in point.flows if not f.exact)
    return f"the newest point, {point.id}, is not exact: {loose}" if loose else ""
