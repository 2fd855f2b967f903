"""The meters send the same every time, and the schemas let everything through but a bad batch."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pandas
import pandera.errors
import pytest

HERE = Path(__file__).parents[3] / "examples" / "branching-lakehouse"


@pytest.fixture
def meters() -> dict[str, Any]:
    return runpy.run_path(str(HERE / "meters.py"))


@pytest.fixture
def assets() -> dict[str, Any]:
    return runpy.run_path(str(HERE / "assets" / "readings.py"))


@pytest.fixture
def entries() -> Any:
    return runpy.run_path(str(HERE / "schemas.py"))["CHECKS"]["raw.glucose_entries"]


def test_a_start_sends_the_list_and_the_first_batches(
    meters: dict[str, Any], assets: dict[str, Any], tmp_path: Path
) -> None:
    meters["setup"](tmp_path)
    assert len(assets["meters"](tmp_path)) == meters["METERS"]
    rows = assets["glucose_entries"](tmp_path, None)
    assert [row["entry_id"] for row in rows] == list(range(3 * meters["ROWS"]))
    assert {row["batch"] for row in assets["glucose_entries"](tmp_path, 2)} == {3}


def test_a_batch_follows_from_its_number_alone(meters: dict[str, Any], tmp_path: Path) -> None:
    meters["setup"](tmp_path)
    before = (tmp_path / meters["name"](2)).read_text()
    meters["place"](tmp_path, meters["name"](2), meters["readings"](2))
    assert (tmp_path / meters["name"](2)).read_text() == before


def test_a_restart_goes_on_and_corrects_what_was_left_bad(
    meters: dict[str, Any], tmp_path: Path
) -> None:
    meters["setup"](tmp_path)
    bad = meters["BAD_FIRST"]
    meters["step"](tmp_path, (bad - 3) * meters["ROWS"])
    assert "-5.0" in (tmp_path / meters["name"](bad)).read_text()
    meters["setup"](tmp_path)
    assert "-5.0" not in (tmp_path / meters["name"](bad)).read_text()
    assert not (tmp_path / meters["name"](bad + 1)).exists()
    meters["step"](tmp_path, meters["ROWS"])
    assert (tmp_path / meters["name"](bad + 1)).exists()


def test_a_bad_batch_is_corrected_in_time_for_the_next_run_however_fast_they_come(
    meters: dict[str, Any], tmp_path: Path
) -> None:
    meters["setup"](tmp_path)
    bad, later = meters["BAD_FIRST"], meters["CORRECTED_BY"] + 1
    meters["step"](tmp_path, (bad + later) * meters["ROWS"])
    assert "-5.0" in (tmp_path / meters["name"](bad)).read_text()
    meters["step"](tmp_path, 0)
    assert "-5.0" not in (tmp_path / meters["name"](bad)).read_text()


def test_the_schemas_stop_a_bad_batch_and_nothing_else(
    meters: dict[str, Any], entries: Any
) -> None:
    for number in range(1, 60):
        entries.validate(pandas.DataFrame(meters["readings"](number)), lazy=True)
    bad = pandas.DataFrame(meters["spoiled"](meters["readings"](20)))
    with pytest.raises(pandera.errors.SchemaErrors) as told:
        entries.validate(bad, lazy=True)
    assert len(told.value.failure_cases) == 4
