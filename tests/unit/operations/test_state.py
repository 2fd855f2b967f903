from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from tests.unit.operations.conftest import Started, platform, service

from tidewright import errors
from tidewright.operations import state
from tidewright.targets.local import driver, layout, lock, reaper_command


def test_named_wins_then_the_running_one_then_the_first_in_the_file(
    project: Path, started: Started
) -> None:
    assert state.choose(project, None, ("one", "two")) == "one"
    started(service("a"), env="two")
    assert state.choose(project, None, ("one", "two")) == "two"
    assert state.choose(project, "three", ("one", "two")) == "three"


def test_two_running_ones_want_a_name(project: Path, started: Started) -> None:
    started(service("a"), env="one")
    started(service("a"), env="two")
    with pytest.raises(errors.SpecError) as found:
        state.choose(project, None)
    assert found.value.code == "local.which_environment"


def test_what_was_never_up_is_refused(project: Path) -> None:
    for asked in (None, "laptop"):
        with pytest.raises(errors.Refused) as found:
            state.find(project, asked)
        assert found.value.code == "local.never_up"
        assert ("tidewright up laptop" in found.value.hint) is (asked is not None)


def test_what_was_applied_is_read_back(project: Path) -> None:
    place = layout.create(project, "laptop")
    state.write_applied(place, platform(service("a")))
    assert state.find(project, None).applied == platform(service("a"))


def test_any_command_ends_what_a_crash_left(project: Path, started: Started) -> None:
    found = started(service("a"))
    status = driver.status(found.place)
    run_file = found.place.run / reaper_command.RUN_FILE
    recorded = run_file.read_text(encoding="utf-8")
    os.kill(status.pid, signal.SIGKILL)
    while lock.holder(found.place.root) is not None or run_file.exists():
        time.sleep(0.01)
    run_file.write_text(recorded, encoding="utf-8")
    state.choose(project, "laptop")
    assert not run_file.exists()
