"""``logs``: the stamped lines of services, oldest first, merged by time; and what follows.

Each line has its service in front, from the name of the file and not from its content.
"""

from __future__ import annotations

import heapq
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tidewright import errors
from tidewright.operations import state
from tidewright.targets.local import driver

SUPERVISOR = "supervisor"
STAMP = 24
POLL = 0.2
_AGE = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line. ``stamp`` is the supervisor's, in UTC."""

    stamp: str
    service: str
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of these services (all when none is named), since when, matching what."""

    services: tuple[str, ...] = ()
    since: str | None = None
    grep: str | None = None


def logs(environment: state.Environment, wanted: Wanted) -> Iterator[Line]:
    """What is there now."""
    accept = _filter(wanted)
    sources = [_all_lines(environment, name) for name in services(environment, wanted.services)]
    return (line for line in heapq.merge(*sources) if accept(line))


def follow(
    environment: state.Environment,
    wanted: Wanted,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Line]:
    """What is there now, then each new line, for ever."""
    accept = _filter(wanted)
    tails = [_Tail(environment, name) for name in services(environment, wanted.services)]
    while True:
        fresh = sorted(line for tail in tails for line in tail.read())
        yield from (line for line in fresh if accept(line))
        if not fresh:
            wait(POLL)


def services(environment: state.Environment, asked: Sequence[str]) -> tuple[str, ...]:
    """The services meant. Raises SpecError for a name that nobody has."""
    known = sorted(s.name for s in environment.applied.services)
    unknown = [name for name in asked if name not in (*known, SUPERVISOR)]
    if unknown:
        raise _usage(
            "local.no_service",
            f"there is no service {unknown[0]}",
            "logs",
            f"The services are: {', '.join((*known, SUPERVISOR))}",
        )
    return tuple(asked) or (*known, SUPERVISOR)


def since_stamp(text: str, now: datetime) -> str:
    """``10m``, ``2h`` or a time such as ``2026-11-21T09:30`` as the oldest stamp wanted."""
    age = _AGE.fullmatch(text)
    if age:
        moment = now - timedelta(seconds=float(age[1]) * _SECONDS[age[2]])
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            hint = "Write an age such as 30s, 10m or 2h, or a time such as 2026-11-21T09:30."
            raise _usage("local.since", f"{text!r} is no time", "--since", hint) from None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class _Tail:
    """Reads what was added to one service's log since the last call, across a rotation."""

    def __init__(self, environment: state.Environment, service: str) -> None:
        self._service = service
        self._environment = environment
        self._path = environment.place.logs / f"{service}.log"
        self._place: tuple[int, int] | None = None

    def read(self) -> list[Line]:
        if self._place is None:
            lines = list(_all_lines(self._environment, self._service))
            self._place = self._end()
            return lines
        inode, offset = self._place
        if self._end()[0] != inode:
            older = self._path.with_name(f"{self._path.name}.1")
            rest = list(_lines(older, self._service, offset))
            self._place = (self._end()[0], 0)
            return rest
        fresh, read = _complete(self._path, offset)
        self._place = (inode, offset + read)
        return list(_parsed(fresh, self._service))

    def _end(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_ino, found.st_size)


def _all_lines(environment: state.Environment, service: str) -> Iterator[Line]:
    for path in driver.log_files(environment.place, service):
        yield from _lines(path, service, 0)


def _lines(path: Path, service: str, offset: int) -> Iterator[Line]:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            yield from _parsed((raw for raw in file), service)
    except FileNotFoundError:
        return


def _complete(path: Path, offset: int) -> tuple[list[bytes], int]:
    """Whole lines only: the last one may still be being written."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            whole = file.read().rpartition(b"\n")
    except FileNotFoundError:
        return [], 0
    return whole[0].splitlines() if whole[1] else [], len(whole[0]) + len(whole[1])


def _parsed(lines: Iterator[bytes] | list[bytes], service: str) -> Iterator[Line]:
    for raw in lines:
        text = raw.decode(errors="replace").rstrip("\r\n")
        yield Line(text[:STAMP], service, text[STAMP + 1 :])


def _filter(wanted: Wanted) -> Callable[[Line], bool]:
    oldest = since_stamp(wanted.since, datetime.now(UTC)) if wanted.since else ""
    try:
        pattern = re.compile(wanted.grep or "")
    except re.error as reason:
        hint = "Escape what is meant literally with a backslash."
        what = f"{wanted.grep!r} is no regular expression: {reason}"
        raise _usage("local.grep", what, "--grep", hint) from None
    return lambda line: line.stamp >= oldest and pattern.search(line.text) is not None


def _usage(code: str, what: str, where: str, hint: str) -> errors.SpecError:
    return errors.SpecError((errors.Finding(code, what, errors.Where(where), hint),))
