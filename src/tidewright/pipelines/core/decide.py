"""The next act, from what is known. One rule per line, the first that applies wins.

The order is the safety argument: doubt is settled before anything is staged, the slot is moved
before new work begins, and what is staged is committed before more is pulled.
"""

from __future__ import annotations

from typing import TypeVar

from tidewright.pipelines.core import acts, state

T = TypeVar("T")


def decide(now: state.State) -> acts.Act:
    """What the worker must do next."""
    if now.failure is not None:
        return now.failure
    if not now.opened:
        return acts.Open()
    if now.doubt is not None:
        return acts.ReadBack()
    if now.dirty:
        return acts.Reload()
    if now.confirmed is None:
        return acts.MakeSlot()
    if now.staged is not None:
        return acts.Commit(now.staged)
    if now.position is not None and now.confirmed < now.position:
        return acts.Advance(now.position)
    if now.cut is not None:
        return _towards_cut(now, now.cut)
    return _work(now)


def includes(position: int, commit_lsn: T) -> T:
    """Whether a lake at ``position`` already holds the transaction committed at ``commit_lsn``.

    A number gives a bool, an array of numbers an array of them.
    """
    return commit_lsn < position  # type: ignore[operator,return-value]  # an int or an array


def _towards_cut(now: state.State, cut: state.Cut) -> acts.Act:
    if not now.following:
        return _copy(now)
    if cut.at is None or cut.reached or now.position is None:
        return acts.Rest()
    if now.position < cut.at:
        return acts.Pull(now.position, cut.at)
    return acts.CutReached(now.position)


def _copy(now: state.State) -> acts.Act:
    """Who follows nothing cannot stand still at a commit: the asker waits for the first one."""
    if now.copied is not None:
        return _bring_in(now, now.copied)
    if now.missing and not now.copying:
        return acts.StartCopy(now.missing)
    return acts.Rest()


def _work(now: state.State) -> acts.Act:
    if now.copied is not None or (now.missing and not now.copying):
        return _copy(now)
    # With every table stopped there is nothing to stage, but the slot must not keep WAL for ever.
    if (now.following or now.stopped) and not now.idle and now.position is not None:
        return acts.Pull(now.position, None)
    return acts.Rest()


def _bring_in(now: state.State, copy: state.Copied) -> acts.Act:
    """A copy at S joins at a commit that is not before S; it catches up from S by itself."""
    if not now.following or now.position is None:
        return acts.Join(copy.tables, copy.at, max(copy.at, now.position or 0))
    if now.position >= copy.at:
        return acts.Join(copy.tables, copy.at, now.position)
    return acts.Pull(now.position, copy.at)
