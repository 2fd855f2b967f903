"""When the next sync is due, with clocks of the test's own."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tidewright.model import flow, jobs
from tidewright.pipelines.load import timing

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
NIGHTLY = flow.Load(
    flow.Connector("python", "c.py"), ("a",), None, "bronze", 60.0, "30 2 * * *", "Europe/Berlin"
)


def at(*when: int) -> int:
    """Epoch milliseconds of a moment in Berlin."""
    return int(dt.datetime(*when, tzinfo=BERLIN).timestamp() * 1000)  # type: ignore[misc,arg-type]


@dataclass
class World:
    """A worker's timing that tests may start anew, and the clocks that it looks at."""

    folder: Path
    load: flow.Load
    ms: int
    seconds: float = 100.0

    def timing(self) -> timing.Timing:
        lake = jobs.Lake(flow.Connection("", 0, "", "", None), "")
        job = jobs.LoadJob("bronze", self.load, lake, "", str(self.folder / "scratch"), "", "")
        return timing.Timing(job, lambda: self.seconds, lambda: self.ms)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, NIGHTLY, at(2026, 11, 21, 17, 0))


def test_the_first_one_is_due_at_once(world: World) -> None:
    assert world.timing().due_ms() == world.ms
    assert world.timing().waiting(0.0, 0)() <= 0


def test_then_the_calendar_says_when_also_after_a_restart(world: World) -> None:
    world.timing().done(world.ms)
    assert world.timing().due_ms() == at(2026, 11, 22, 2, 30)
    left = world.timing().waiting(0.0, 0)
    assert left() == 9.5 * 3600
    world.ms = at(2026, 11, 22, 2, 30)
    assert left() == 0
    assert world.timing().said() == ("synced by 30 2 * * *, next 2026-11-22 02:30 Europe/Berlin")


def test_one_that_was_missed_is_made_up_for(world: World) -> None:
    world.timing().done(world.ms)
    world.ms = at(2026, 11, 24, 12, 0)
    assert world.timing().waiting(0.0, 0)() < 0


def test_what_is_pulled_now_is_not_put_off_until_night(world: World) -> None:
    world.timing().done(world.ms)
    world.load = replace(NIGHTLY, streams=("a", "b"))
    assert world.timing().due_ms() == world.ms
    world.load = replace(NIGHTLY, cron="0 4 * * *", timeout=90.0)
    assert world.timing().due_ms() == at(2026, 11, 22, 4, 0)


def test_a_night_without_that_hour_is_not_left_out(world: World) -> None:
    """On 29 March 2026 half past two does not exist in Berlin."""
    world.ms = at(2026, 3, 28, 12, 0)
    world.timing().done(world.ms)
    assert at(2026, 3, 29, 0, 0) < world.timing().due_ms() < at(2026, 3, 30, 0, 0)


def test_a_damaged_note_is_none(world: World) -> None:
    world.timing().done(world.ms)
    (world.folder / "scratch" / timing.FILE).write_text("{")
    assert world.timing().due_ms() == world.ms


def test_after_a_failure_patience_says_when(world: World) -> None:
    assert [world.timing().waiting(0.0, n)() for n in (1, 2, 9)] == [1.0, 2.0, 30.0]


def test_an_interval_counts_from_the_beginning_and_notes_nothing(world: World) -> None:
    world.load = replace(NIGHTLY, every=5.0, cron=None)
    assert world.timing().waiting(98.0, 0)() == 3.0
    world.timing().done(world.ms)
    assert not (world.folder / "scratch").exists()
    assert world.timing().said() == "synced every 5 s"
