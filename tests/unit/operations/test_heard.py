"""``up`` waits for capture's own word about the tables of the job that it was just given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.operations.conftest import capturing, platform

from tidewright import errors
from tidewright.kit import files
from tidewright.model import codec, observed
from tidewright.operations import heard, recopy
from tidewright.operations import state as environments
from tidewright.targets.local import description, layout

PID = 42
STATUS = observed.SupervisorStatus(
    0, 1, 0.0, "running", (observed.ServiceState("capture", "r", "running", PID, True, ""),)
)


class Told:
    """A capture that says what a test wants; its job file is there."""

    def __init__(self, project: Path) -> None:
        self.place = layout.create(project, "laptop")
        job = self.place.root / "config" / "capture" / "job.json"
        job.parent.mkdir(parents=True)
        job.write_text("{}")
        self.version = heard.version(self.place, "capture")
        self.wanted = platform(capturing("s.a"))
        probe = description.HeartbeatProbe("capture.json", 10.0)
        unit = description.Unit("capture", "r", "server", ("true",), "/f", probe=probe)
        self.made = description.Description("p", "e", (unit,))

    def word(self, *excused: str) -> heard.Word:
        return heard.word(self.wanted, self.place, self.made, frozenset(excused))

    def says(
        self,
        state: str,
        message: str = "",
        job: int | None = None,
        pid: int = PID,
        held: bool = True,
    ) -> None:
        tables = (observed.DatasetState("s.a", state, 0, 0.0, None, None, message, held),)  # type: ignore[arg-type]
        told = observed.CaptureStatus(
            0, pid, True, "running", "", None, 0, None, None, None, 0, tables,
            job=self.version if job is None else job,
        )  # fmt: skip
        files.replace(self.place.run / "capture.json", codec.dumps(told))


@pytest.fixture
def told(project: Path) -> Told:
    return Told(project)


@pytest.mark.parametrize("state", ["copying", "following"])
def test_a_table_that_is_copied_or_followed_is_captured(told: Told, state: str) -> None:
    told.says(state)
    assert told.word().settled(STATUS)


def test_a_table_that_stopped_fails_the_step_with_its_reason(told: Told) -> None:
    told.says("stopped", "it has no primary key")
    with pytest.raises(errors.StepFailed, match=r"s\.a is not captured: it has no prim") as found:
        told.word().settled(STATUS)
    assert found.value.code == "source.table_stopped"


def test_nothing_is_concluded_before_capture_has_spoken_of_this_job(told: Told) -> None:
    assert not told.word().settled(STATUS)
    for job, pid in ((1, PID), (told.version, 7)):
        for state in ("following", "stopped"):
            told.says(state, "of before", job, pid)
            assert not told.word().settled(STATUS)
    told.says("waiting")
    assert not told.word().settled(STATUS)


def test_a_copy_that_waits_for_long_is_no_failure(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heard, "PATIENCE", -1.0)
    told.says("waiting")
    assert told.word().settled(STATUS)


def test_a_table_that_is_copied_again_may_have_stopped(told: Told) -> None:
    told.says("stopped", "it was rewritten")
    assert told.word("s.a").settled(STATUS)
    told.says("stopped", "it has no primary key", held=False)
    with pytest.raises(errors.StepFailed):
        told.word("s.a").settled(STATUS)


def test_a_platform_without_capture_is_not_waited_for(told: Told) -> None:
    told.wanted = platform()
    assert told.word().settled(replace(STATUS, services=()))


@pytest.mark.parametrize(
    ("state", "held", "free"),
    [
        ("stopped", False, True),
        ("waiting", False, True),
        ("stopped", True, False),
        ("waiting", True, False),
        ("copying", False, False),
    ],
)
def test_only_what_never_came_is_given_up_for_nothing(
    told: Told, state: str, held: bool, free: bool
) -> None:
    assert heard.never(told.place) == frozenset()
    told.says(state, held=held)
    assert heard.never(told.place) == ({"s.a"} if free else set())
    there = environments.Environment("laptop", told.place, told.wanted)
    assert recopy.losing(there, ("s.a", "s.b")) == (("s.b",) if free else ("s.a", "s.b"))
