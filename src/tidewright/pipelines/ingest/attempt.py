"""The child of one run, seen from the runner: started, listened to, ended when it is too slow."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

from tidewright.model import codec
from tidewright.pipelines.ingest import outcome

CHILD = "tidewright.pipelines.ingest.child"
STOP = 3.0


class Attempt:
    """One running child. Whatever becomes of it, ``listen`` ends with an outcome."""

    def __init__(self, job_file: Path, branch: str, patience: float, *, sweeps: bool) -> None:
        self.branch = branch
        self._deadline = time.monotonic() + patience
        self._patience = patience
        self._said = b""
        safe = ["-P"] if sys.flags.safe_path else []
        argv = [sys.executable, *safe, "-m", CHILD, "--job", str(job_file), "--branch", branch]
        argv += ["--sweep"] if sweeps else []
        self._child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def listen(self, seconds: float) -> outcome.Outcome | None:
        """What the run came to; None: it still runs."""
        assert self._child.stdout is not None
        if time.monotonic() > self._deadline:
            self._child.kill()
            self._end()
            return outcome.Outcome("failed", f"the run took longer than {self._patience:.0f} s")
        ready, _, _ = select.select([self._child.stdout], [], [], seconds)
        if not ready:
            return None
        said = os.read(self._child.stdout.fileno(), 1 << 20)
        if said:
            self._said += said
            return None
        return self._outcome(self._end())

    def stop(self) -> None:
        """End it; its branch is marked by the next runner."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        try:
            self._child.wait(STOP)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _outcome(self, code: int) -> outcome.Outcome:
        """Its last line; a child that died before it said anything has failed."""
        lines = self._said.decode(errors="replace").splitlines()
        try:
            return codec.loads(outcome.Outcome, lines[-1] if lines else "")
        except (ValueError, TypeError):
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            text = f"its process ended with {how}; the log of this service has more"
            return outcome.Outcome("failed", text)

    def _end(self) -> int:
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            pipe.close()
        return self._child.wait()
