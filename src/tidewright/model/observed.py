"""What running things say of themselves, in files under ``run/`` that any command may read.

Each file is one of these records as canonical JSON, replaced atomically. Times are epoch
milliseconds of the machine that wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds over the last minute of samples."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service as the supervisor sees it. ``state`` done: a task that exited with 0."""

    name: str
    role: str
    state: Literal[
        "waiting", "starting", "running", "unhealthy", "backoff", "stopping", "stopped", "done",
        "failed",
    ]  # fmt: skip
    pid: int | None
    healthy: bool
    message: str
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class SupervisorStatus:
    """Written by the supervisor each second and at each change (``run/supervisor.json``).

    ``description``: the digest of the ``services.json`` that it has converged to.
    """

    at_ms: int
    pid: int
    started: float
    state: Literal["starting", "running", "stopping", "stopped"]
    services: tuple[ServiceState, ...]
    description: str = ""
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class DatasetState:
    """One dataset of the capture: a current-state or raw table, and how fresh it is.

    ``held`` False: the lake is known never to have had it. True says nothing.
    """

    dataset: str
    state: Literal["waiting", "copying", "following", "stopped"]
    rows: int
    rate: float
    position: str | None
    snapshot: int | None
    message: str = ""
    held: bool = True


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """Written by the capture worker after each turn (``run/capture.json``).

    ``hops``: ``source_to_lake`` is commit in the source to commit in the lake, per transaction.
    ``job``: which version of its job file this is about (mtime in ns), 0 for none.
    """

    at_ms: int
    pid: int
    healthy: bool
    state: Literal["starting", "running", "stopped"]
    message: str
    position: str | None
    commits: int
    lag_bytes: int | None
    wal_kept_bytes: int | None
    wal_cap_bytes: int | None
    changes: int
    datasets: tuple[DatasetState, ...]
    hops: Mapping[str, Percentiles] = field(default_factory=dict)
    commit_ms: Percentiles | None = None
    job: int = 0
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class MoverStatus:
    """Written by every other process that moves rows (``run/mover-<service>.json``).

    ``stage``: its kind in the file, such as load. ``counters``: what it counts besides changes,
    such as rejected, since it began to count. ``hops``: as in ``CaptureStatus``.
    """

    at_ms: int
    pid: int
    stage: str
    healthy: bool
    state: Literal["starting", "running", "degraded", "stopped"]
    message: str
    position: str | None = None
    changes: int = 0
    commits: int = 0
    datasets: tuple[DatasetState, ...] = ()
    hops: Mapping[str, Percentiles] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class CheckState:
    """The last run of one check. ``rows``: a sample of the offending rows, as printed text."""

    name: str
    ok: bool
    failing: int
    rows: tuple[Mapping[str, str], ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class MartState:
    """One published mart."""

    name: str
    rows: int
    published_ms: int | None
    changed: int = 0


@dataclass(frozen=True, slots=True)
class RefreshStatus:
    """Written by the refresh runner after each turn (``run/refresh.json``)."""

    at_ms: int
    pid: int
    healthy: bool
    state: Literal["starting", "waiting", "running", "degraded", "stopped"]
    message: str
    position: str | None
    refreshes: int
    checks: tuple[CheckState, ...]
    marts: tuple[MartState, ...]
    hops: Mapping[str, Percentiles] = field(default_factory=dict)
    last_seconds: float | None = None
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class WorkloadStatus:
    """Written by the workload runner each second (``run/workload-<source>.json``)."""

    at_ms: int
    pid: int
    healthy: bool
    message: str
    changes: int
    rate: float
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """Written by the backup service each second (``run/backup.json``).

    ``point_ms``: the cut of the newest point; ``next_ms``: when the next is due. ``worst_loss``:
    seconds that a disaster costs at worst by the schedule. ``points`` and ``bytes``: in the place.
    """

    at_ms: int
    pid: int
    healthy: bool
    state: Literal["starting", "running", "degraded", "stopped"]
    message: str
    point: str | None = None
    point_ms: int | None = None
    next_ms: int | None = None
    points: int = 0
    bytes: int = 0
    last_seconds: float | None = None
    worst_loss: float | None = None
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class DrillStatus:
    """Written at the end of each drill (``drills/last.json``). ``good_ms``: the last good one.

    ``rto`` and ``rpo``: seconds until the copy served, and seconds of work that were not in it.
    """

    at_ms: int
    ok: bool
    point: str | None
    good_ms: int | None
    rto: float | None
    rpo: float | None
    cause: str = ""
    schema_version: int = 1
