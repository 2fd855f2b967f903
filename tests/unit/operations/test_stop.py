from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.unit.operations.conftest import Started, Talking, capturing, platform, service

from tidewright.model import observed
from tidewright.operations import destroy, state, stop
from tidewright.targets.local import driver, layout

MB = 1024 * 1024


def _capture(
    position: str = "0/0", at_ms: int = 0, cap: int | None = 100 * MB
) -> observed.CaptureStatus:
    return observed.CaptureStatus(
        at_ms, 1, True, "running", "", position, 0, 0, 40 * MB, cap, 0, ()
    )


def _kept(project: Path, managed: bool, *answers: observed.CaptureStatus) -> str:
    place = layout.create(project, "laptop")
    found = state.Environment("laptop", place, platform(capturing("s.a", managed=managed)))
    replies = iter(answers)
    return " ".join(stop.kept(found, lambda: next(replies), lambda _: None))


def test_stop_ends_all_and_keeps_the_data(started: Started) -> None:
    found, talking = started(service("a")), Talking()
    kept = found.place.root / "data" / "a" / "rows"
    kept.write_text("1", encoding="utf-8")
    assert stop.stop(found, talking.talk)
    assert not driver.running(found.place)
    assert kept.exists()
    assert talking.said[-1] == "Stopped bank/laptop. Its data stays."


def test_stop_of_what_is_not_running_says_so(started: Started) -> None:
    found = started(service("a"))
    stop.stop(found, Talking().talk)
    talking = Talking()
    assert not stop.stop(found, talking.talk)
    assert talking.said == ["bank/laptop is not running."]


def test_a_managed_source_stops_too_so_its_wal_does_not_grow(project: Path) -> None:
    said = _kept(project, True, _capture())
    assert said == (
        "The slot slot_a keeps 40 MB of WAL of at most 100 MB. Its server stops as well, so this "
        "does not grow."
    )


def test_at_a_users_source_it_says_when_the_cap_is_reached(project: Path) -> None:
    said = _kept(project, False, _capture("0/0", 0), _capture("0/100000", 1000))
    assert "at the present rate the cap is reached in about 60 seconds" in said
    assert "copies all tables anew" in said


def test_a_quiet_source_and_one_without_cap(project: Path) -> None:
    assert "writes nothing at present" in _kept(project, False, _capture(), _capture(at_ms=1000))
    assert "watch its disk" in _kept(project, False, _capture(cap=None))
    unknown = dataclasses.replace(_capture(), wal_kept_bytes=None)
    assert _kept(project, False, unknown) == ""


def test_destroy_removes_everything(started: Started, project: Path) -> None:
    found, talking = started(service("a")), Talking()
    destroy.destroy(found, talking.talk)
    assert not found.place.root.exists()
    assert layout.environments(project) == ()
