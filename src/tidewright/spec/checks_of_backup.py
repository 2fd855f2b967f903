"""Rules about ``backup`` and the goal that it has to meet. Each yields what is wrong, and where."""

from __future__ import annotations

from collections.abc import Iterator

from tidewright.kit import quantity, schedule
from tidewright.spec import backups, document, tree

SHORTEST = 60.0
# code, what, place in the file, what to do
Wrong = tuple[str, str, tree.Path, str]


def wrong(whole: document.Document) -> Iterator[Wrong]:
    """Everything that is wrong with the backups of a file."""
    if whole.backup is not None:
        yield from _timing(whole.backup)
        yield from _bucket(whole.backup)
    yield from _goal(whole)


def _bucket(backup: backups.Backup) -> Iterator[Wrong]:
    """What belongs to a bucket says nothing about a folder."""
    if backup.to.startswith(backups.BUCKET):
        return
    for name in ("endpoint", "credentials"):
        if getattr(backup, name):
            what = f"{name} belongs to a bucket, and {backup.to} is a folder"
            yield "file.wrong_value", what, ("backup", name), "Leave it out, or name s3://bucket."


def rule(backup: backups.Backup) -> schedule.Rule:
    """When points are made."""
    return schedule.Rule(backup.every, backup.cron, backup.zone)


def _timing(backup: backups.Backup) -> Iterator[Wrong]:
    if backup.every is not None and backup.cron is not None:
        what = "every and cron both say when; only one of them can"
        yield "file.wrong_value", what, ("backup", "cron"), "Keep one."
    if backup.every is not None and backup.every < SHORTEST:
        what = f"a point every {backup.every:g} s is more than a run can do"
        yield "file.wrong_value", what, ("backup", "every"), "Write 1m or more."
    problem = schedule.problem(backup.cron) if backup.cron is not None else ""
    if problem:
        hint = 'Write minute, hour, day, month and weekday, for example "0 3 * * *".'
        yield "file.wrong_value", f"{backup.cron!r}: {problem}", ("backup", "cron"), hint
    problem = schedule.zone_problem(backup.zone)
    if problem:
        yield "file.wrong_value", problem, ("backup", "zone"), "Write UTC or Europe/Berlin."


def _goal(whole: document.Document) -> Iterator[Wrong]:
    """A goal that the schedule cannot meet is not a goal (X-39)."""
    goal = whole.goals.rpo
    if goal is None:
        return
    if whole.backup is None or any(True for _ in _timing(whole.backup)):
        loss = None
    else:
        loss = schedule.worst_loss(rule(whole.backup))
    path: tree.Path = ("goals", "rpo")
    if whole.backup is None:
        what = "nothing makes recovery points, so a disaster costs everything"
        hint = f"Write backup: {{to: ../backups, every: {_every(goal)}}}, or leave the goal out."
        yield "backup.rpo", what, path, hint
    elif loss is None and whole.backup.every is None and whole.backup.cron is None:
        what = "points are made only by hand, so there is no worst case"
        yield "backup.rpo", what, path, f"Add every: {_every(goal)} to backup."
    elif loss is not None and loss > goal:
        gap, run = quantity.said(loss - schedule.RUN_SECONDS), quantity.said(schedule.RUN_SECONDS)
        what = f"at worst {quantity.said(loss)} are lost: {gap} between two points, {run} for a run"
        hint = f"Write every: {_every(goal)} in backup, or a goal of {quantity.said(loss)}."
        yield "backup.rpo", what, path, hint


def _every(goal: float) -> str:
    """The longest wait between two points that meets the goal, in whole minutes."""
    return f"{max(1, int((goal - schedule.RUN_SECONDS) // 60))}m"
