"""Acts (what the worker may be told to do) and outcomes (what may come of them)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

# -- acts -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """Take the lease, read the last commit, look at the source and its slot."""


@dataclass(frozen=True, slots=True)
class MakeSlot:
    """Create publication and slot; only ever done before the first commit."""


@dataclass(frozen=True, slots=True)
class StartCopy:
    """Begin the first copy of these tables, all at one consistent point, in the background."""

    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Stage the finished copy; bring it from its own point ``at`` to ``position``."""

    tables: tuple[str, ...]
    at: int
    position: int


@dataclass(frozen=True, slots=True)
class Pull:
    """Peek, decode and stage the transactions not included in ``above``, before ``below``.

    ``below`` None: up to the end of the source's log.
    """

    above: int
    below: int | None


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit everything staged, at ``position``."""

    position: int


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Find out whether the commit in doubt is there."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Forget what is staged and in memory; read the lake again."""


@dataclass(frozen=True, slots=True)
class Advance:
    """Let the slot confirm ``position``: the source may now forget what is before it."""

    position: int


@dataclass(frozen=True, slots=True)
class CutReached:
    """Tell who asked that the last commit ends exactly at ``position``."""

    position: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do right now."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End, and say why. Nothing is guessed past this point."""

    code: str
    message: str


Act: TypeAlias = (
    Open
    | MakeSlot
    | StartCopy
    | Join
    | Pull
    | Commit
    | ReadBack
    | Reload
    | Advance
    | CutReached
    | Rest
    | Stop
)

# -- outcomes -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """The replication slot as seen: ``lost`` when the server gave its WAL away."""

    confirmed: int
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The world at start. ``position`` and ``identity`` are the last commit's, None when none.

    ``tables`` are in the lake and follow its position; ``stopped`` are pairs of table and reason.
    """

    position: int | None
    identity: str | None
    source: str
    slot: Slot | None
    tables: tuple[str, ...]
    stopped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SlotMade:
    confirmed: int


@dataclass(frozen=True, slots=True)
class CopyStarted:
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CopyFinished:
    """The copy holds exactly what position ``at`` includes."""

    tables: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class CopyFailed:
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    tables: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was staged ends at ``end`` (None: there was nothing).

    ``exhausted``: everything before ``below`` (or the end of the log) has been seen.
    """

    end: int | None
    exhausted: bool


@dataclass(frozen=True, slots=True)
class PullFailed:
    """The source went away half-way; what is in memory may be half a transaction."""


@dataclass(frozen=True, slots=True)
class Done:
    position: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The lake said no: another writer holds the lease, or moved a table."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost: the commit may or may not be there."""

    position: int


@dataclass(frozen=True, slots=True)
class Landed:
    position: int


@dataclass(frozen=True, slots=True)
class Absent:
    """The commit in doubt is not there and can never arrive any more."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    position: int | None
    tables: tuple[str, ...]
    stopped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Advanced:
    position: int


@dataclass(frozen=True, slots=True)
class SlotGone:
    """Slot or publication were dropped or lost by someone while we ran."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TableStopped:
    """One table met something that cannot be carried exactly; the others go on.

    The stop is on record in the lake before this is learnt: after a restart the table must not
    follow again from a position that it never reached.
    """

    table: str
    reason: str


@dataclass(frozen=True, slots=True)
class CopyAgain:
    """Someone asked for a new first copy of these tables."""

    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The file names other tables now. Those that left are on record as stopped."""

    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """Someone wants a cut: stay at the present commit until told where."""


@dataclass(frozen=True, slots=True)
class CutAsked:
    """Commit exactly at ``at`` next."""

    at: int


@dataclass(frozen=True, slots=True)
class CutReleased:
    """The cut is over, or was given up."""


@dataclass(frozen=True, slots=True)
class Rested:
    pass


Outcome: TypeAlias = (
    Opened
    | SlotMade
    | CopyStarted
    | CopyFinished
    | CopyFailed
    | Joined
    | Pulled
    | PullFailed
    | Done
    | Refused
    | Unknown
    | Landed
    | Absent
    | Reloaded
    | Advanced
    | SlotGone
    | TableStopped
    | CopyAgain
    | Wanted
    | HoldAsked
    | CutAsked
    | CutReleased
    | Rested
)
