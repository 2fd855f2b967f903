"""Sources of dlt, run by a Python that has dlt: what it says is what the rest of the load knows.

Configuration, secrets and state go by a pipe. dlt's working folder is private, and removed after
each run: what it would keep there is in the commit, as one state for all of the streams.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidewright.pipelines.load import install, marks, masking, running, scratch
from tidewright.pipelines.load.messages import Message

PACKAGE = "dlt==1.31.0"
CHILD = Path(__file__).with_name("dlt_child.py")
# No statistics, no traces, and nothing from a configuration beside ours.
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "ENABLE_RUNTIME_TRACE": "false"}
THEIRS = ("RUNTIME__", "DLT_", "SOURCES__", "DESTINATION__", "EXTRACT__", "NORMALIZE__", "LOAD__")


@dataclass(slots=True)
class Dlt:
    """``messages`` as of a light connector: a catalog, then records, then one state for all."""

    script: Path
    config: Mapping[str, Any]
    packages: Sequence[str]
    streams: Sequence[str]
    states: Mapping[str, Any]
    timeout: float
    scratch: Path
    tell: install.Tell
    do: str = "read"
    mask: masking.Mask = masking.NOTHING
    code: int | None = None
    _now: running.Running | None = None
    _folder: Path | None = field(default=None)

    def messages(self) -> Iterator[Message]:
        """Until it has ended; see ``running.Running``."""
        if self.do != "read":
            self.code = 0  # dlt has no question for totals
            return
        home = install.ensure(" ".join((PACKAGE, *self.packages)), self.tell)
        self._folder = scratch.fresh(self.scratch, "dlt")
        child = subprocess.Popen(
            [str(home / "bin" / "python"), "-I", str(CHILD)], env=environment(self._folder),
            cwd=self._folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        where = f"connector {self.script.name}"
        self._now = running.Running(child, self.timeout, where, self.mask)
        self._now.ask(self._request())
        yield from self._now.messages()
        self.code = self._now.code

    def close(self) -> None:
        """End it, and remove what it wrote."""
        if self._now is not None:
            self._now.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _request(self) -> dict[str, Any]:
        state = dict(self.states.get(marks.SHARED) or {})
        state.pop("type", None)
        return {
            "script": str(self.script),
            "config": self.config,
            "folder": str(self._folder),
            "streams": list(self.streams),
            "state": state,
        }


def environment(folder: Path) -> dict[str, str]:
    """What the child gets: nothing that would configure dlt otherwise, or let it tell of itself."""
    kept = {k: v for k, v in install.environment().items() if not k.startswith(THEIRS)}
    place = {"DLT_DATA_DIR": str(folder), "DLT_PROJECT_DIR": str(folder), "TMPDIR": str(folder)}
    return {**kept, **QUIET, **place}
