"""What of the probes counts, without the threads."""

from __future__ import annotations

import time
from typing import cast

from tidewright.model import flow, jobs
from tidewright.operations import probe


class _Job:
    secrets = "nowhere"


def _probe() -> probe.Probe:
    job = cast(jobs.CaptureJob, _Job())
    return probe.Probe(job, cast(jobs.WorkloadJob, _Job()), cast(flow.Connection, None))


def _sent(of: probe.Probe, numbers: range, ago: float) -> None:
    of._sent.at |= {number: time.monotonic() - ago for number in numbers}


def test_a_reader_a_second_behind_has_caught_up() -> None:
    found = _probe()
    assert not found.caught_up()
    _sent(found, range(1, 21), 1)
    found._arrived(probe.CURRENT, 10)
    assert not found.caught_up()
    found._arrived(probe.CURRENT, 16)
    assert found.caught_up()


def test_what_came_before_the_beginning_does_not_count() -> None:
    found = _probe()
    _sent(found, range(1, 11), 60)
    found._arrived(probe.CURRENT, 10)
    found.begin()
    assert found.percentiles() == {}
    _sent(found, range(11, 21), 2)
    found._arrived(probe.CURRENT, 20)
    assert 1_900 < found.percentiles()[probe.CURRENT].p99 < 10_000
