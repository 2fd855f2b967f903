"""The light process: watches for commits, starts the child when there is work, owns the status.

It loads no data library (about 30 MB). The child is started at once, so that dbt is ready when
the first commit comes.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from tidewright import errors
from tidewright.clients import postgres
from tidewright.kit import files
from tidewright.model import codec, jobs, observed
from tidewright.pipelines.mover import window
from tidewright.pipelines.refresh import commits, outcome
from tidewright.pipelines.transform import files as edits

POLL = 0.25
LOOK = 1.0  # seconds between looks at the project's files while idle
PAUSES = (1.0, 2.0, 5.0, 10.0)  # after a child that crashed; the last one repeats
STOP, LEAVE = 3.0, 15.0
# dbt's locks are left to Python's resource tracker when the child ends at once; it would complain.
QUIET = "ignore:resource_tracker"
CHILD = "tidewright.pipelines.refresh.child"


class Waiter:
    """The refresh, seen from outside: its status, and whether a child runs."""

    def __init__(self, job_file: Path) -> None:
        self.job_file = job_file
        self.job = codec.loads(jobs.RefreshJob, job_file.read_text())
        root = Path(str(self.job.project))
        names = [self.job.transform.folder, *(check.folder for check in self.job.checks)]
        self.folders = [root / name for name in names]
        self.progress = outcome.Progress({}, {}, _now_ms())
        self.window = window.Window()
        self.child: subprocess.Popen[bytes] | None = None
        self.rest = b""
        self.conn: psycopg.Connection[Any] | None = None
        self.edition = 0
        self.looked = 0.0
        self.crashes = 0
        self.lost = False  # the catalog did not answer
        self.not_before = 0.0
        self.again = True  # the first child is started without a reason, to be warm
        self.status = observed.RefreshStatus(
            at_ms=0, pid=os.getpid(), healthy=True, state="starting", message="starting dbt",
            position=None, refreshes=0, checks=(), marts=(),
        )  # fmt: skip
        self.reported = 0.0

    def run(self) -> None:
        """Until the process is told to end."""
        try:
            while True:
                self.turn()
        finally:
            self.stop()

    def turn(self) -> None:
        """Listen a moment, start what is needed, report."""
        if self.child is None:
            time.sleep(POLL)
            if time.monotonic() >= self.not_before and self._has_work():
                self._start()
        else:
            self._listen(self.child)
        if time.monotonic() - self.reported >= 1.0:
            self._report()

    def stop(self) -> None:
        """End the child and say that nothing runs."""
        child, self.child = self.child, None
        if child is not None:
            _end(child)
        self._report(state="stopped", message="stopped", healthy=False)

    def _has_work(self) -> bool:
        """A commit with changes, an edited file, or an attempt to be repeated."""
        if self.again or self._is_edited():
            return True
        try:
            head = commits.head(self._catalog(), self.job.lands, self.progress.seen)
        except (errors.PlatformError, psycopg.OperationalError) as reason:
            self._report(message=f"waiting for the catalog: {reason}", state="waiting")
            self.lost, self.not_before = True, time.monotonic() + PAUSES[0]
            return False
        # After an outage a refresh without a new commit says that all is well again.
        back, self.lost = self.lost, False
        return back or (head is not None and head.changed)

    def _catalog(self) -> psycopg.Connection[Any]:
        if self.conn is None or self.conn.closed:
            connection = self.job.lake.catalog
            self.conn = postgres.connect(connection, str(self.job.secrets), connect_timeout=3)
        return self.conn

    def _is_edited(self) -> bool:
        if time.monotonic() - self.looked < LOOK:
            return False
        self.looked = time.monotonic()
        return edits.fingerprint(self.folders) != self.edition

    def _start(self) -> None:
        self.again, self.edition = False, edits.fingerprint(self.folders)
        if self.conn is not None:
            self.conn.close()  # the child has its own session and watches from now on
        told = codec.dumps(self.progress)
        safe = ["-P"] if sys.flags.safe_path else []
        argv = [sys.executable, *safe, "-W", QUIET, "-m", CHILD]
        argv += ["--job", str(self.job_file), "--progress", told]
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.rest = b""

    def _listen(self, child: subprocess.Popen[bytes]) -> None:
        """Take what the child says; when it says no more, it has ended."""
        assert child.stdout is not None
        ready, _, _ = select.select([child.stdout], [], [], POLL)
        if not ready:
            return
        said = os.read(child.stdout.fileno(), 1 << 20)
        if not said:
            self._ended(child)
            return
        *lines, self.rest = (self.rest + said).split(b"\n")
        for line in lines:
            self._take(codec.loads(outcome.Outcome, line.decode()))

    def _ended(self, child: subprocess.Popen[bytes]) -> None:
        self.child = None
        code = _end(child, LEAVE)  # it said its last word, and may need a while to go
        if code == 0:
            self.crashes = 0
            return
        pause = PAUSES[min(self.crashes, len(PAUSES) - 1)]
        self.crashes += 1
        self.again, self.not_before = True, time.monotonic() + pause
        self._report(
            state="degraded",
            message=f"the transform process ended with {_reason(code)}; "
            f"it is started again in {pause:g} s. The log of this service has more.",
        )

    def _take(self, news: outcome.Outcome) -> None:
        """Fold one outcome into the status. What it does not say stays as it was."""
        now = _now_ms()
        self.progress = news.progress
        self.again = news.again and news.state != "waiting"  # we can wait without the child
        self.window.add(now, news.ages)
        good = news.state == "published"
        old = self.status
        self._report(
            state="running" if good else news.state,
            message=news.message,
            position=news.position or old.position,
            refreshes=old.refreshes + good,
            checks=old.checks if news.checks is None else news.checks,
            marts=news.marts or old.marts,
            last_seconds=news.seconds or old.last_seconds,
        )

    def _report(self, **changes: Any) -> None:
        """Replace the status file, with what changed."""
        self.reported = time.monotonic()
        now = _now_ms()
        settled: dict[str, Any] = {"at_ms": now, "hops": self.window.hops(now)}
        self.status = replace(self.status, **settled, **changes)
        with contextlib.suppress(OSError):  # a full disk must not end us
            files.replace(Path(str(self.job.status)), codec.dumps(self.status), sync=False)


def _end(child: subprocess.Popen[bytes], seconds: float = STOP) -> int:
    """Close the child's stdin, which ends it; insist when it does not."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
