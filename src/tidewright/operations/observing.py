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
    return views.Observation(
        at_ms=int(time.time() * 1000),
        supervisor=_read(observed.SupervisorStatus, run / "supervisor.json"),
        capture=_read(observed.CaptureStatus, run / "capture.json"),
        refresh=_read(observed.RefreshStatus, run / "refresh.json"),
        workloads=_each(observed.WorkloadStatus, run, "workload-"),
        movers=_each(observed.MoverStatus, run, "mover-"),
        backup=_read(observed.BackupStatus, run / "backup.json"),
        drill=_read(observed.DrillStatus, run.parent / "drills" / "last.json"),
    )


def _each(kind: type[T], run: Path, prefix: str) -> dict[str, T]:
    return {
        file.stem.removeprefix(prefix): found
        for file in sorted(run.glob(f"{prefix}*.json"))
        if (found := _read(kind, file)) is not None
    }


def _read(kind: type[T], file: Path) -> T | None:
    try:
        with file.open("rb") as handle:
            return codec.loads(kind, handle.read(_LARGEST).decode())
    except (OSError, ValueError, TypeError):
        return None
