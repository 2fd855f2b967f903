"""What a service says that no waiting mends ends the waiting; what may pass does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tidewright.errors import tables
from tidewright.model import observed
from tidewright.operations import lasting
from tidewright.targets.local import description

PID = 42
PASSWORD = "h:1/shop: the password was refused (user u): no [source.password]. Store the right one."
NO_TABLE = "h:1/shop: table s.t does not exist [source.table_missing]. Create it."
AWAY = "h:1/shop: the server cannot be reached: no route [source.unreachable]. Start it."


class Capture:
    """A service with a status file, seen by a watch that began at 10,000 ms."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "capture.json"
        probe = description.HeartbeatProbe(str(self.file), 10.0)
        unit = description.Unit("capture", "r", "server", ("true",), str(folder), probe=probe)
        self.wanted = description.Description("p", "e", (unit,))
        self.watch = lasting.Watch(10_000)

    def says(
        self,
        at_ms: int,
        message: str,
        pid: int = PID,
        healthy: bool = False,
        others: tuple[observed.ServiceState, ...] = (),
    ) -> str | None:
        beat = {"at_ms": at_ms, "pid": pid, "healthy": healthy, "message": message}
        self.file.write_text(json.dumps(beat))
        seen = observed.ServiceState("capture", "r", "unhealthy", PID, False, message)
        status = observed.SupervisorStatus(
            0, 1, 0.0, "running", (seen, *others), self.wanted.digest
        )
        found = self.watch.look(self.wanted, status)
        return found.code if found else None


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    return Capture(tmp_path)


def test_an_error_that_lasts_is_believed_the_second_time(capture: Capture) -> None:
    assert capture.says(10_100, PASSWORD) is None
    assert capture.says(10_300, PASSWORD) is None
    assert capture.says(11_100, PASSWORD) == "source.password"


def test_what_may_pass_is_waited_for(capture: Capture) -> None:
    assert capture.says(10_100, AWAY) is None
    assert capture.says(99_000, AWAY) is None
    assert capture.says(99_100, "first copy: 10 rows") is None


def test_a_table_that_may_still_be_made_is_waited_for_a_while(capture: Capture) -> None:
    setting_up = observed.ServiceState("workload", "r", "unhealthy", 7, False, "")
    for at_ms in (10_100, 20_000):
        assert capture.says(at_ms, NO_TABLE, others=(setting_up,)) is None
    made = observed.ServiceState("workload", "r", "running", 7, True, "")
    waits = observed.ServiceState("later", "r", "waiting", None, False, "waits for capture")
    assert capture.says(20_100, NO_TABLE, others=(made, waits)) is None
    assert capture.says(22_000, NO_TABLE, others=(made, waits)) is None
    assert capture.says(25_100, NO_TABLE, others=(made, waits)) == "source.table_missing"


def test_what_changed_in_between_begins_anew(capture: Capture) -> None:
    assert capture.says(10_100, PASSWORD) is None
    assert capture.says(11_500, AWAY) is None
    assert capture.says(12_000, PASSWORD) is None


@pytest.mark.parametrize(
    ("first", "pid", "healthy"), [(9_000, PID, False), (10_100, 7, False), (10_100, PID, True)]
)
def test_what_was_said_before_or_by_another_process_does_not_count(
    capture: Capture, first: int, pid: int, healthy: bool
) -> None:
    assert capture.says(first, PASSWORD, pid, healthy) is None
    assert capture.says(first + 2000 * (pid != PID or healthy), PASSWORD, pid, healthy) is None
    assert capture.says(11_200, PASSWORD) is None


def test_only_codes_that_somebody_must_act_on_last() -> None:
    found = {name for name, code in tables.all_codes().items() if code.lasting}
    assert {"source.password", "source.wal_level", "source.rights", "source.tls"} <= found
    assert not found & {"source.unreachable", "source.too_many", "source.slot_busy"}
