"""Fold what happened into what is known. Every outcome is named; none is ignored."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from tidewright.pipelines.core import acts, state


def learn(now: state.State, seen: acts.Outcome) -> state.State:
    """The state after ``seen``."""
    match seen:
        case acts.Opened():
            return _opened(now, seen)
        case acts.SlotMade(confirmed):
            return replace(now, confirmed=confirmed)
        case acts.CopyStarted(tables):
            return replace(now, copying=frozenset(tables))
        case acts.CopyFinished(tables, at):
            return replace(now, copying=frozenset(), copied=state.Copied(tables, at))
        case acts.CopyFailed():
            return replace(now, copying=frozenset(), copied=None)
        case acts.Joined(tables, position):
            return replace(now, copied=None, joining=frozenset(tables), staged=position)
        case acts.Pulled():
            return _pulled(now, seen)
        case acts.PullFailed():
            return replace(now, dirty=True)
        case acts.Done(position) | acts.Landed(position):
            return _committed(now, position)
        case acts.Refused(reason):
            return replace(now, failure=acts.Stop("lake.refused", reason))
        case acts.Unknown(position):
            return replace(now, doubt=position)
        case acts.Absent():
            return replace(now, doubt=None, dirty=True)
        case acts.Reloaded():
            return _reloaded(now, seen)
        case acts.Advanced(position):
            return replace(now, confirmed=max(position, now.confirmed or 0))
        case acts.SlotGone(code, message):
            return replace(now, failure=acts.Stop(code, message))
        case acts.TableStopped(table, reason):
            return _stopped(now, table, reason)
        case acts.CopyAgain(tables):
            return _copy_again(now, tables)
        case acts.Wanted(tables):
            return _wanted(now, tables)
        case acts.HoldAsked():
            return replace(now, cut=state.Cut())
        case acts.CutAsked(at):
            return replace(now, cut=state.Cut(at))
        case acts.CutReleased():
            return replace(now, cut=None)
        case acts.Rested():
            return _rested(now)
        case _:
            assert_never(seen)


def reached(now: state.State) -> state.State:
    """After the one who asked for the cut has been told."""
    return now if now.cut is None else replace(now, cut=replace(now.cut, reached=True))


def _opened(now: state.State, seen: acts.Opened) -> state.State:
    failure = _refusal(seen)
    return replace(
        now,
        opened=True,
        position=seen.position,
        confirmed=seen.slot.confirmed if seen.slot else None,
        following=frozenset(t for t in seen.tables if t in now.wanted),
        stopped=dict(seen.stopped),
        failure=failure,
    )


def _refusal(seen: acts.Opened) -> acts.Stop | None:
    """Why this start must not go on. A lake with a position needs the very slot it came from."""
    if seen.position is None:
        return None
    if seen.identity != seen.source:
        return acts.Stop("source.identity", f"{seen.identity} became {seen.source}")
    if seen.slot is None:
        return acts.Stop("source.slot_missing", "the slot that the lake follows is not there")
    if seen.slot.lost:
        return acts.Stop("source.slot_lost", "the server gave up the WAL that the slot kept")
    if seen.slot.confirmed > seen.position:
        return acts.Stop("source.slot_ahead", "the slot was moved past what the lake holds")
    return None


def _pulled(now: state.State, seen: acts.Pulled) -> state.State:
    """A pull towards a cut or a copy that saw everything ends exactly there, rows or not."""
    target = _target(now)
    end = target if target is not None and seen.exhausted else seen.end
    return replace(now, staged=end, idle=end is None)


def _target(now: state.State) -> int | None:
    if now.cut is not None:
        return now.cut.at
    return now.copied.at if now.copied is not None else None


def _committed(now: state.State, position: int) -> state.State:
    return replace(
        now,
        position=position,
        following=now.following | now.joining,
        joining=frozenset(),
        staged=None,
        doubt=None,
    )


def _reloaded(now: state.State, seen: acts.Reloaded) -> state.State:
    """Back to the last commit. A copy that was staged or waiting is begun again."""
    return replace(
        now,
        position=seen.position,
        following=frozenset(t for t in seen.tables if t in now.wanted),
        stopped=dict(seen.stopped),
        copying=frozenset(),
        copied=None,
        joining=frozenset(),
        staged=None,
        idle=False,
        dirty=False,
    )


def _stopped(now: state.State, table: str, reason: str) -> state.State:
    """What is staged may hold half of the stopped table: go back to the last commit without it."""
    return replace(
        now,
        stopped={**now.stopped, table: reason},
        following=now.following - {table},
        dirty=True,
    )


def _wanted(now: state.State, tables: tuple[str, ...]) -> state.State:
    """The others go on; a copy that is on its way may hold a table that left, so it begins anew."""
    return replace(
        now,
        wanted=tables,
        following=now.following & frozenset(tables),
        stopped={t: why for t, why in now.stopped.items() if t in tables},
        dirty=now.dirty or bool(now.copying or now.copied or now.joining),
    )


def _copy_again(now: state.State, tables: tuple[str, ...]) -> state.State:
    return replace(
        now,
        following=now.following - frozenset(tables),
        stopped={t: why for t, why in now.stopped.items() if t not in tables},
    )


def _rested(now: state.State) -> state.State:
    return replace(now, idle=False)
