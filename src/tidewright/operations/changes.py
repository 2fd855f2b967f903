"""The difference between what runs and what the file asks for, as steps that print as sentences.

Pure: ``up`` prints exactly the steps that it then takes, and asks first when one loses data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidewright.model import acts, jobs
from tidewright.model import platform as nouns
from tidewright.targets.local import description


def steps(
    new: description.Description, old: description.Description | None, running: frozenset[str]
) -> tuple[acts.Step, ...]:
    """What happens to services. ``running``: those that have a process, or are done, now."""
    return tuple(_steps(new, old or description.Description("", "", ()), running))


def data_steps(
    new: nouns.Platform, old: nouns.Platform | None, never: frozenset[str] = frozenset()
) -> tuple[acts.Step, ...]:
    """What happens to sources and tables. ``never``: tables that the lake has never had."""
    if old is None:
        return ()
    return (*_sources(new, old), *_tables(new, old, never))


def _steps(
    new: description.Description, old: description.Description, running: frozenset[str]
) -> Iterator[acts.Step]:
    for unit in old.units:
        if new.unit(unit.name) is None and unit.name in running:
            yield acts.Step("stop", unit.name, f"Stop {unit.name}: it is no longer in the file.")
    for unit in new.units:
        before = old.unit(unit.name)
        if before is None:
            yield acts.Step("create", unit.name, f"Create {unit.name} ({unit.role}).")
        elif unit.name not in running:
            yield acts.Step("start", unit.name, f"Start {unit.name} ({unit.role}).")
        elif unit.definition != before.definition:
            yield acts.Step("restart", unit.name, f"Restart {unit.name}: {_why(unit, before)}.")
        elif unit != before:
            yield acts.Step("reload", unit.name, f"Tell {unit.name} its new job, while it runs.")


def _why(unit: description.Unit, before: description.Unit) -> str:
    reasons = {
        "a secret that it uses changed": unit.secrets_digest != before.secrets_digest,
        "its job changed": unit.job_digest != before.job_digest,
        "its configuration changed": unit.files_digest != before.files_digest,
        "its port changed": unit.ports != before.ports,
        "its command changed": unit.argv != before.argv or unit.env != before.env,
    }
    return next((reason for reason, true in reasons.items() if true), "its definition changed")


def _sources(new: nouns.Platform, old: nouns.Platform) -> Iterator[acts.Step]:
    kept = {c.source.name for c in captures(new)}
    for capture in captures(old):
        if capture.source.name not in kept:
            yield acts.Step(
                "remove",
                capture.source.name,
                f"Give up the source {capture.source.name}: what was captured from it is no "
                "longer followed.",
                loses_data=True,
            )


def _tables(new: nouns.Platform, old: nouns.Platform, never: frozenset[str]) -> Iterator[acts.Step]:
    before = {c.source.name: c.capture.tables for c in captures(old)}
    for capture in captures(new):
        tables, known = capture.capture.tables, before.get(capture.source.name)
        if known is None:
            continue
        for table in sorted(set(tables) - set(known)):
            text = f"Copy {table} and follow it, without stopping the others."
            yield acts.Step("create", table, text)
        for table in sorted(set(known) - set(tables)):
            if table in never:
                yield acts.Step("remove", table, f"Leave {table} out: nothing of it was copied.")
                continue
            text = f"Give up {table}: it is no longer followed, and copied anew if it comes back."
            yield acts.Step("remove", table, text, loses_data=True)


def captures(platform: nouns.Platform) -> tuple[jobs.CaptureJob, ...]:
    """The capture jobs of a platform."""
    return tuple(_captures(platform.services))


def _captures(services: Iterable[nouns.Service]) -> Iterator[jobs.CaptureJob]:
    for service in services:
        if isinstance(service.process.job, jobs.CaptureJob):
            yield service.process.job
