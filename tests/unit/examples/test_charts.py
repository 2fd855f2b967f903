"""Every example has charts, and each draws from columns that its mart has."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.assemble import flows
from tidewright.pipelines.rollup import plan
from tidewright.spec import load

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = sorted(p.parent.name for p in EXAMPLES.glob("*/platform.yaml"))


def columns(folder: Path, mart: str) -> set[str]:
    """Of a rollup by its plan; of a model the words of its SQL."""
    for file in folder.glob("models/**/*.sql"):
        if file.stem == mart:
            return set(re.findall(r"\w+", file.read_text()))
    views = plan.read((folder / "olap.sql").read_text(), "olap.sql")
    return {c.name for view in views if view.table == mart for c in view.columns}


@pytest.mark.parametrize("name", NAMES)
def test_charts_draw_from_columns_that_are_there(name: str) -> None:
    found = flows.flow(load.load(EXAMPLES / name / "platform.yaml")).charts
    assert {"line", "bar", "number"} <= {chart.kind for chart in found}
    for chart in found:
        there = columns(EXAMPLES / name, chart.mart)
        assert {axis for axis in (chart.x, chart.y) if axis} <= there, chart.name
    assert {c.schema for c in found} == {"olap" if name == "clickstream" else "marts"}


def test_a_chart_of_a_table_that_no_rollup_makes_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(EXAMPLES / "clickstream", tmp_path / "it"))
    file = folder / "platform.yaml"
    file.write_text(file.read_text().replace("mart: devices_per_minute", "mart: device_per_minute"))
    with pytest.raises(errors.SpecError) as caught:
        load.load(file)
    (finding,) = caught.value.findings
    assert finding.code == "file.unknown_table" and "devices_per_minute" in finding.hint
