"""What the log says of an outcome: a sentence for a person at 3 am, facts in brackets at its end.

Only what happens a few times in a worker's life; the rest is in the status file. The supervisor
stamps each line.
"""

from __future__ import annotations

import logging

from tidewright.model import flow
from tidewright.pipelines.core import acts


def sentence(seen: acts.Outcome) -> tuple[int, str] | None:
    """Level and text of a line; None for what happens all the time."""
    match seen:
        case acts.Opened():
            return logging.INFO, _opened(seen)
        case acts.SlotMade(confirmed):
            return logging.INFO, f"The slot exists; the source keeps all from {_at(confirmed)} on."
        case acts.CopyStarted(tables):
            return logging.INFO, f"First copy of {_list(tables)} has begun."
        case acts.Joined(tables, position):
            return logging.INFO, f"{_list(tables)}: copied, and followed from {_at(position)} on."
        case acts.CopyFailed(tables):
            return (
                logging.WARNING,
                f"The copy of {_list(tables)} was given up; nothing of it stays.",
            )
        case acts.CopyAgain(tables):
            return logging.INFO, f"{_list(tables)}: to be copied again, because somebody asked."
        case acts.Unknown(position):
            return logging.WARNING, (
                f"The catalog's answer to the commit at {_at(position)} was lost."
                " It is read back before anything else."
            )
        case acts.Landed(position):
            return logging.WARNING, f"The commit in doubt is there; the lake is at {_at(position)}."
        case acts.Absent():
            return logging.WARNING, "The commit in doubt is not there; its work is done again."
        case acts.Reloaded():
            return logging.WARNING, (
                f"Back at the last commit, {_at(seen.position)}; what came after is read again."
            )
        case acts.TableStopped(table, reason):
            return logging.WARNING, (
                f"{table} stopped, the other tables go on: {reason}."
                f" `tidewright up --recopy {_word(table)}` copies it again."
            )
        case _:
            return None


def _opened(seen: acts.Opened) -> str:
    if seen.position is None:
        return f"Capture begins; the lake holds nothing yet. [source {seen.source}]"
    stopped = f", {len(seen.stopped)} stopped" if seen.stopped else ""
    return (
        f"Capture goes on from {_at(seen.position)} with {len(seen.tables)} tables{stopped}."
        f" [source {seen.source}]"
    )


def _at(position: int | None) -> str:
    return "the beginning" if position is None else flow.lsn_text(position)


def _list(tables: tuple[str, ...]) -> str:
    return ", ".join(tables)


def _word(table: str) -> str:
    """As a shell takes it."""
    plain = table.replace(".", "").replace("_", "").isalnum() and table.isascii()
    return table if plain else "'" + table.replace("'", "'\\''") + "'"
