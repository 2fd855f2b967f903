"""What the keeper of recovery points says of the newest one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.unit.pipelines.backup import points

from tidewright.model import backups
from tidewright.pipelines.backup import keeper


def test_a_point_that_is_not_exact_is_said_with_its_reason(tmp_path: Path) -> None:
    flow = backups.Flow("bank", 1, "postgres", "7/1/bank", "0/1", {}, "source-bank", True)
    point = replace(points.keep(tmp_path).point, flows=(flow,))
    assert keeper.not_exact(point) == ""
    late = replace(flow, exact=False, reason="it was late")
    told = keeper.not_exact(replace(point, flows=(late,)))
    assert told == f"the newest point, {point.id}, is not exact: bank: it was late"
