"""What a service's own words about itself make of its state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright.model import observed
from tidewright.targets.local import description, probes, service

UNIT = description.Unit("workload", "works", "server", ("x",), "/f")
CONNECTING = probes.Verdict(ok=False, alive=True, message="connecting to the source")


@pytest.fixture
def runner(tmp_path: Path) -> service.Runner:
    heard: list[observed.ServiceState] = []
    context = service.Context(tmp_path, service.Changes(), lambda _: True, heard.append)
    made = service.Runner(UNIT, context)
    made._set("starting", "")
    return made


def test_not_yet_ready_is_starting_until_it_takes_too_long(runner: service.Runner) -> None:
    runner._judge(CONNECTING, 1, 0.5)
    assert (runner.state.state, runner.state.message) == ("starting", "connecting to the source")
    runner._judge(CONNECTING, 2, service.NOT_YET + 1)
    assert runner.state.state == "unhealthy"


def test_what_ran_before_is_unhealthy_at_once(runner: service.Runner) -> None:
    runner._judge(probes.Verdict(ok=True, alive=True, message=""), 0, 0.5)
    runner._judge(CONNECTING, 1, 1.0)
    assert runner.state.state == "unhealthy"
