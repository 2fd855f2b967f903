"""``drill``: as if everything but the backup and the recovery key were gone.

A point is brought back into a scratch folder, proved, started, and removed again. Nothing of the
running platform is used but its goals. Any doubt makes the drill fail, also that something could
not be looked at. A signed report stays, good or bad.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import psycopg

from tidewright import __version__, errors
from tidewright.kit import files, signals
from tidewright.model import acts, codec, jobs, observed
from tidewright.operations import backup_place, project, restore, state, up, waiting
from tidewright.operations.restoring import points, served
from tidewright.pipelines.backup import kept
from tidewright.targets.local import driver, layout

FOLDER, LAST = "drills", "last.json"
SERVE_SECONDS = 120.0
_ANY = (OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal of the file beside what was measured, both in seconds. ``goal`` None: not stated."""

    name: str
    goal: float | None
    measured: float | None

    @property
    def met(self) -> bool:
        return self.measured is not None and (self.goal is None or self.measured <= self.goal)


@dataclass(frozen=True, slots=True)
class Report:
    """What a drill found. ``code`` and ``cause`` say why it failed; ``steps`` are seconds."""

    ok: bool
    at_ms: int
    platform: str
    environment: str
    tool: str
    point: str | None
    point_ms: int | None
    goals: tuple[Goal, ...]
    tables: tuple[acts.TableDifference, ...]
    invariants: tuple[acts.Invariant, ...]
    steps: dict[str, float]
    code: str = ""
    cause: str = ""
    hint: str = ""
    schema_version: int = 1


def drill(
    environment: state.Environment, talk: up.Talk, wanted: str = points.LATEST,
    key: Path | None = None,
) -> tuple[Report, Path]:  # fmt: skip
    """Restore, prove, serve, remove. Returns the report and where it is kept, good or bad."""
    began_ms, began = int(time.time() * 1000), time.monotonic()
    report = Report(
        False, began_ms, environment.applied.name, environment.name, __version__, None, None,
        (), (), (), {},
    )  # fmt: skip
    asked = backup_place.job(environment)
    try:
        source = backup_place.own(asked, key)
        point = points.choose(source, wanted, began_ms)
        report = replace(report, point=point.id, point_ms=point.at_ms)
        with _scratch(environment) as folder:
            report = _restored(report, source, folder, talk, began)
    except errors.PlatformError as reason:
        report = replace(
            report, ok=False, code=reason.code, cause=f"{reason.finding.where}: {reason.what}",
            hint=reason.hint,
        )  # fmt: skip
    except (*_ANY, psycopg.Error, duckdb.Error) as reason:
        # Whatever else went wrong: what could not be checked counts as broken.
        report = replace(
            report, ok=False, code="backup.drill", hint=_told(environment, report, reason),
            cause=f"it could not be checked: {type(reason).__name__}: {reason}",
        )  # fmt: skip
    return report, _keep(environment, asked, report)


def _told(environment: state.Environment, report: Report, reason: Exception) -> str:
    """What to do about something that nobody expected; its traceback is kept beside the report."""
    file = environment.place.root / FOLDER / f"drill-{_moment(report)}-defect.log"
    text = f"tidewright {__version__} drill, point {report.point}\n\n"
    try:
        files.private_folder(file.parent)
        files.replace_private(file, text + "".join(traceback.format_exception(reason)))
    except OSError:
        return "Run it again; then report it. The details could not be kept."
    return (
        f"Run it again; then report it. The details are in {file}: look before you share it that "
        "it holds nothing private."
    )


def _restored(
    report: Report, source: points.Source, folder: Path, talk: up.Talk, began: float
) -> Report:
    assert report.point is not None
    found = restore.restore(source, report.point, folder, talk)
    talk.say("starting the restored servers under a supervisor of their own")
    marts = served.serve(found.environment, talk, SERVE_SECONDS)
    rto = time.monotonic() - began
    assert report.point_ms is not None
    rpo = (report.at_ms - report.point_ms) / 1000
    wanted = project.load(folder / found.point.file, found.point.environment).spec.document.goals
    goals = (Goal("rto", wanted.rto, round(rto, 1)), Goal("rpo", wanted.rpo, round(rpo, 1)))
    report = replace(
        report, goals=goals, tables=tuple(found.tables),
        steps={**found.seconds, "served": round(rto, 3)}, invariants=(*found.invariants, *marts),
    )  # fmt: skip
    return judged(report, found.again)


def judged(report: Report, again: Sequence[str]) -> Report:
    """Whether the drill was good. ``again``: tables that the point does not bring back exactly."""
    if again:
        return replace(
            report, code="backup.drill", hint="Take a newer point, made while capture runs.",
            cause=f"{', '.join(again)} could not be checked: its source is not in the point",
        )  # fmt: skip
    late = next((g for g in report.goals if not g.met), None)
    if late is not None:
        return replace(
            report, code="backup.goal",
            cause=f"{late.name} was {late.measured} s, the goal is {late.goal} s",
            hint="Make points more often, or state a goal that can be met.",
        )  # fmt: skip
    return replace(report, ok=all(i.ok for i in report.invariants))


@contextlib.contextmanager
def _scratch(environment: state.Environment) -> Iterator[Path]:
    """A folder for the copy; afterwards nothing of it runs and nothing of it is left."""
    above = files.private_folder(environment.place.project / layout.STATE / "drill")
    for left in above.iterdir():
        _remove(left)
    folder = above / f"{os.getpid()}"
    try:
        yield folder
    finally:
        with signals.undisturbed():
            _remove(folder)
            with contextlib.suppress(OSError):
                above.rmdir()


def _remove(folder: Path) -> None:
    """Stop and delete a copy, its state included, which as root lies elsewhere."""
    for name in layout.environments(folder):
        place = layout.locate(folder, name)
        if place is None:
            continue
        if driver.running(place):
            driver.ask_stop(place)
            waiting.until_stopped(place, waiting.Teller(lambda _: None), up.STOP_SECONDS)
        driver.reap(place)
        layout.remove(place)
    shutil.rmtree(folder, ignore_errors=True)


def _keep(environment: state.Environment, asked: jobs.BackupJob, report: Report) -> Path:
    """The signed report, and what status and metrics know of it."""
    folder = files.private_folder(environment.place.root / FOLDER)
    maker = kept.keys(asked, lambda line: None)
    text = codec.dumps(report)
    file = folder / f"drill-{_moment(report)}-{'good' if report.ok else 'failed'}.json"
    signed = {"report": text, "key": maker.fingerprint, "signature": maker.sign(text.encode())}
    files.replace_private(file, codec.pretty(signed))
    before = _last(folder)
    good = report.at_ms if report.ok else before.good_ms if before else None
    told = {g.name: g.measured for g in report.goals}
    status = observed.DrillStatus(
        report.at_ms, report.ok, report.point, good, told.get("rto"), told.get("rpo"), report.cause
    )
    files.replace_private(folder / LAST, codec.dumps(status))
    return file


def _moment(report: Report) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(report.at_ms / 1000))


def _last(folder: Path) -> observed.DrillStatus | None:
    try:
        return codec.loads(observed.DrillStatus, (folder / LAST).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return None
