"""Waiting judges by the status of the supervisor that runs now, about what was asked now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.operations.conftest import Talking

from tidewright import errors
from tidewright.kit import files
from tidewright.model import codec, observed
from tidewright.operations import waiting
from tidewright.targets.local import description, layout, lock

WANTED = description.Description("p", "e", ())


@pytest.fixture
def place(project: Path) -> Iterator[layout.Layout]:
    """An environment whose supervisor is this test: it holds the lock and writes the status."""
    found = layout.create(project, "laptop")
    with lock.held(found.root):
        yield found


def _tell(place: layout.Layout, digest: str, pid: int, *services: observed.ServiceState) -> None:
    status = observed.SupervisorStatus(0, pid, 0.0, "running", services, digest)
    files.replace(place.run / "supervisor.json", codec.dumps(status))


def _service(state: str, message: str, healthy: bool = False) -> observed.ServiceState:
    return observed.ServiceState("a", "r", state, None, healthy, message)  # type: ignore[arg-type]


def _wait(place: layout.Layout, talking: Talking) -> observed.SupervisorStatus:
    return waiting.until_healthy(place, WANTED, waiting.Teller(talking.talk.say), 0.15)


def test_a_status_about_what_was_asked_counts(place: layout.Layout) -> None:
    _tell(place, WANTED.digest, os.getpid(), _service("running", "", healthy=True))
    assert _wait(place, Talking()).services[0].name == "a"


@pytest.mark.parametrize(
    ("digest", "pid"), [("before", os.getpid()), (WANTED.digest, 1)], ids=["digest", "pid"]
)
def test_an_older_status_does_not(place: layout.Layout, digest: str, pid: int) -> None:
    _tell(place, digest, pid, _service("running", "", healthy=True))
    with pytest.raises(errors.TimedOut):
        _wait(place, Talking())


def test_a_port_that_was_taken_is_its_own_error(place: layout.Layout) -> None:
    taken = "port 5 is in use by another program; `tidewright up` chooses another"
    _tell(place, WANTED.digest, os.getpid(), _service("backoff", f"{taken}; starts again in 1 s"))
    with pytest.raises(errors.StepFailed) as found:
        _wait(place, Talking())
    assert found.value.code == "local.port_in_use"


def test_a_reason_is_said_once_although_the_delay_grows(place: layout.Layout) -> None:
    talking = Talking()
    teller = waiting.Teller(talking.talk.say)
    for delay in (1, 2, 4):
        teller.tell((_service("starting", ""),))
        teller.tell((_service("backoff", f"no disk; starts again in {delay} s"),))
    assert len(talking.said) == 1
    assert "no disk" in talking.said[0]


def test_a_supervisor_that_ends_meanwhile_is_told(project: Path) -> None:
    with pytest.raises(errors.StepFailed) as found:
        _wait(layout.create(project, "laptop"), Talking())
    assert found.value.code == "local.supervisor"


def test_a_supervisor_that_does_not_stop_is_not_waited_for_longer(place: layout.Layout) -> None:
    with pytest.raises(errors.TimedOut) as found:
        waiting.until_stopped(place, waiting.Teller(print), 0.1)
    assert found.value.code == "local.not_stopped"
