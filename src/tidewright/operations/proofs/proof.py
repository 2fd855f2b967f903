"""What one proof found, and what several share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import duckdb

from tidewright.model import acts, jobs
from tidewright.operations import lakeside, state
from tidewright.pipelines.compare import checks

Say: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Proof:
    """``cut``: the position that it holds at, as text. Tables and invariants as in ``acts``."""

    cut: str
    tables: tuple[acts.TableDifference, ...] = ()
    invariants: tuple[acts.Invariant, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every table is exact and every invariant holds."""
        return all(exact(t) for t in self.tables) and all(i.ok for i in self.invariants)


def exact(found: acts.TableDifference) -> bool:
    """Whether not one row is missing, too much or different."""
    return not (found.missing or found.extra or found.different)


def file_checks(
    environment: state.Environment, duck: duckdb.DuckDBPyConnection
) -> Iterator[acts.Invariant]:
    """The checks of the file, on the lake as ``duck`` shows it."""
    for _, refresh in lakeside.of_kind(environment, jobs.RefreshJob):
        for check in refresh.checks:
            yield from checks.run(duck, Path(str(refresh.project)) / check.folder)


def tell(say: Say, found: tuple[acts.Invariant, ...]) -> None:
    """One line for each invariant."""
    for invariant in found:
        say(f"{invariant.name}: {'holds' if invariant.ok else 'BROKEN: ' + invariant.detail}")
