from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from tests.unit.operations.conftest import platform, service

from tidewright import errors
from tidewright.operations import logs, state
from tidewright.targets.local import layout

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def _stamp(second: int) -> str:
    return f"2026-11-21T09:00:{second:02d}.000Z"


@pytest.fixture
def environment(project: Path) -> state.Environment:
    place = layout.create(project, "laptop")
    state.write_applied(place, platform(service("a"), service("b")))
    (place.logs / "a.log.1").write_text(f"{_stamp(1)} a one\n", encoding="utf-8")
    (place.logs / "a.log").write_text(f"{_stamp(3)} a three\n", encoding="utf-8")
    (place.logs / "b.log").write_text(f"{_stamp(2)} b two\n", encoding="utf-8")
    return state.find(project, "laptop")


def _texts(environment: state.Environment, wanted: logs.Wanted) -> list[str]:
    return [line.text for line in logs.logs(environment, wanted)]


def test_lines_of_all_services_come_by_time(environment: state.Environment) -> None:
    assert _texts(environment, logs.Wanted()) == ["a one", "b two", "a three"]


def test_they_can_be_narrowed(environment: state.Environment) -> None:
    assert _texts(environment, logs.Wanted(("a",))) == ["a one", "a three"]
    assert _texts(environment, logs.Wanted(grep="tw|thr")) == ["b two", "a three"]
    since = logs.Wanted(since="2026-11-21T09:00:02+00:00")
    assert _texts(environment, since) == ["b two", "a three"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (logs.Wanted(("c",)), "local.no_service"),
        (logs.Wanted(since="yesterday"), "local.since"),
        (logs.Wanted(grep="("), "local.grep"),
    ],
)
def test_a_mistake_is_named(environment: state.Environment, wanted: logs.Wanted, code: str) -> None:
    with pytest.raises(errors.SpecError) as found:
        logs.logs(environment, wanted)
    assert found.value.code == code


def test_an_age_counts_from_now() -> None:
    assert logs.since_stamp("90m", NOW) == "2026-11-21T10:30:00.000Z"
    assert logs.since_stamp("1.5h", NOW) == "2026-11-21T10:30:00.000Z"


def test_following_survives_a_rotation(environment: state.Environment) -> None:
    folder = environment.place.logs
    acts = iter(
        [
            lambda: _append(folder / "b.log", 4, "b four"),
            lambda: (
                _append(folder / "a.log", 5, "a five"),
                (folder / "a.log").rename(folder / "a.log.1"),
                _append(folder / "a.log", 6, "a six"),
            ),
            lambda: None,
        ]
    )
    lines = logs.follow(environment, logs.Wanted(), wait=lambda _: next(acts)())
    texts = [line.text for line in islice(lines, 6)]
    assert texts == ["a one", "b two", "a three", "b four", "a five", "a six"]


def test_half_a_line_is_not_shown_until_it_is_whole(environment: state.Environment) -> None:
    file = environment.place.logs / "b.log"

    def complete(_: float) -> None:
        with file.open("a", encoding="utf-8") as handle:
            handle.write("four\n" if file.read_text().endswith("b ") else f"{_stamp(4)} b ")

    lines = logs.follow(environment, logs.Wanted(("b",)), wait=complete)
    assert [line.text for line in islice(lines, 2)] == ["b two", "b four"]


def _append(file: Path, second: int, text: str) -> None:
    with file.open("a", encoding="utf-8") as handle:
        handle.write(f"{_stamp(second)} {text}\n")
