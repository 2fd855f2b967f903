"""What a person looks at: everything observed at once, commits, marts and answers to SQL.

``observed`` has what each process says of itself; here is what the console, ``query`` and the
metrics page show. Every value in a row is already text, or None for a null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tidewright.model import observed


@dataclass(frozen=True, slots=True)
class Observation:
    """Every status file of one environment, read at ``at_ms``; None where there is no file."""

    at_ms: int
    supervisor: observed.SupervisorStatus | None = None
    capture: observed.CaptureStatus | None = None
    refresh: observed.RefreshStatus | None = None
    workloads: Mapping[str, observed.WorkloadStatus] = field(default_factory=dict)
    movers: Mapping[str, observed.MoverStatus] = field(default_factory=dict)
    backup: observed.BackupStatus | None = None
    drill: observed.DrillStatus | None = None

    @property
    def datasets(self) -> tuple[observed.DatasetState, ...]:
        """Every dataset that something moves rows into, in the order of the flow."""
        captured = self.capture.datasets if self.capture else ()
        return (*captured, *(d for mover in self.movers.values() for d in mover.datasets))

    @property
    def hops(self) -> Mapping[str, observed.Percentiles]:
        """Freshness of each hop, whoever measured it."""
        capture = self.capture.hops if self.capture else {}
        refresh = self.refresh.hops if self.refresh else {}
        movers = {hop: p for mover in self.movers.values() for hop, p in mover.hops.items()}
        return {**capture, **movers, **refresh}


@dataclass(frozen=True, slots=True)
class CommitLine:
    """One row of ``tidewright_commits``, newest first where there are many."""

    id: int
    flow: str
    position: str
    committed_ms: int
    newest_ms: int | None
    changes: int
    tables: int


@dataclass(frozen=True, slots=True)
class Column:
    """A result column. ``kind`` decides how it is aligned and drawn."""

    name: str
    kind: Literal["number", "time", "text"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one SELECT. ``truncated``: there were more rows than the limit."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | None, ...], ...]
    truncated: bool = False
    seconds: float = 0.0
    commit: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class MartSample:
    """A few rows of one mart, for its chart; the newest or the largest ones.

    ``title``: the name of the file's chart; empty when what is drawn was guessed from the columns.
    """

    name: str
    answer: Answer
    title: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What the databases add to the status files. ``message``: why it is missing, if it is."""

    commits: tuple[CommitLine, ...] = ()
    samples: tuple[MartSample, ...] = ()
    message: str = ""
