"""Reads every status file of one environment into one record. No decision is made here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TypeVar

from tidewright.model import codec, observed, views

T = TypeVar("T")
_LARGEST = 8_000_000


def observe(state: Path | str) -> views.Observation:
    """What the files under ``run/`` say now. A file that is missing or damaged counts as none."""
    run = Path(state) / "run"
    workloads = {
        file.stem.removeprefix("workload-"): found
        for file in sorted(run.glob("workload-*.json"))
        if (found := _read(observed.WorkloadStatus, file)) is not None
    }
    return views.Observation(
        at_ms=int(time.time() * 1000),
        supervisor=_read(observed.SupervisorStatus, run / "supervisor.json"),
        capture=_read(observed.CaptureStatus, run / "capture.json"),
        refresh=_read(observed.RefreshStatus, run / "refresh.json"),
        workloads=workloads,
    )


def _read(kind: type[T], file: Path) -> T | None:
    try:
        with file.open("rb") as handle:
            return codec.loads(kind, handle.read(_LARGEST).decode())
    except (OSError, ValueError, TypeError):
        return None
