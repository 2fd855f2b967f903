"""Who goes when there are too many, and what they are told."""

from __future__ import annotations

import resource

import pytest

from tidewright.pipelines.receive import crowd


class Guest:
    """A connection as the crowd sees it: its transport is itself."""

    def __init__(self) -> None:
        self.is_busy = self.closed = False
        self.told = b""
        self.transport = self

    def write(self, text: bytes) -> None:
        self.told += text

    def close(self) -> None:
        self.closed = True


def came(room: crowd.Crowd, count: int) -> list[Guest]:
    found = [Guest() for _ in range(count)]
    for guest in found:
        room.came(guest)  # type: ignore[arg-type]
    return found


def test_the_stranger_that_waited_longest_goes_first_with_an_answer() -> None:
    room = crowd.Crowd(3)
    known, first, second = came(room, 3)
    room.asked(known)  # type: ignore[arg-type]
    came(room, 1)
    assert [g.closed for g in (known, first, second)] == [False, True, False]
    assert first.told.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 1\r\n" in first.told
    assert (len(room), room.cut) == (3, 1)


def test_who_asked_before_or_is_answered_goes_last_and_is_told_nothing() -> None:
    room = crowd.Crowd(3)
    guests = came(room, 3)
    for guest in guests[:2]:
        room.asked(guest)  # type: ignore[arg-type]
    guests[2].is_busy = True
    (new,) = came(room, 1)
    assert new.closed and b" 503 " in new.told
    new = Guest()
    new.is_busy = True
    room.came(new)  # type: ignore[arg-type]
    assert [g.closed for g in guests] == [True, False, False] and guests[0].told == b""


def test_strangers_have_less_patience_than_those_who_asked() -> None:
    room = crowd.Crowd(9, patience=0.0, keep=60.0)
    stranger, known = came(room, 2)
    room.asked(known)  # type: ignore[arg-type]
    room.sweep()
    assert stranger.told.startswith(b"HTTP/1.1 408 ") and not known.closed
    impatient = crowd.Crowd(9, patience=60.0, keep=0.0)
    stranger, known = came(impatient, 2)
    impatient.asked(known)  # type: ignore[arg-type]
    impatient.sweep()
    assert known.closed and known.told == b"" and not stranger.closed


@pytest.mark.parametrize(
    ("limits", "most", "raised"),
    [
        ((1024, 20_000), 4096, (4352, 20_000)),
        ((1024, 2048), 1792, (2048, 2048)),
        ((9000, resource.RLIM_INFINITY), 4096, None),
        ((100, 100), 16, None),
    ],
)
def test_as_many_files_as_are_useful_and_allowed(
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int],
    most: int,
    raised: tuple[int, int] | None,
) -> None:
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda what, given: found.append(given))
    assert crowd.allow() == most
    assert found == ([raised] if raised else [])
