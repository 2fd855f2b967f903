"""Steps that work on branches: what may stand where, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.assemble import flows
from tidewright.model import flow
from tidewright.spec import load

GOOD = """\
tidewright: 0
platform: phlo
flow:
  - ingest: {assets: assets/, every: 15s, keep: 2h, workload: meters.py}
  - check: {pandera: schemas.py}
  - merge: {into: main}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    for name in ("meters.py", "schemas.py"):
        (tmp_path / name).touch()
    (tmp_path / "platform.yaml").write_text(GOOD)
    return tmp_path


def test_the_three_steps_become_stages(folder: Path) -> None:
    made = flows.flow(load.load(folder / "platform.yaml"))
    assert made.stages == (
        flow.Ingest("assets/", 15.0, 7200.0, "meters.py", 100.0),
        flow.Audit("schemas.py"),
        flow.Merge("main"),
    )
    assert made.lands == ("ingest",)


CASES = [
    ("  - merge: {into: main}\n", "", "file.order", 4),
    ("  - ingest: {assets: assets/, every: 15s, keep: 2h, workload: meters.py}\n", "",
     "file.order", 4),
    ("  - check: {pandera: schemas.py}\n  - merge: {into: main}",
     "  - merge: {into: main}\n  - check: {pandera: schemas.py}", "file.order", 6),
    ("pandera: schemas.py", "pandera: none.py", "file.no_such_path", 5),
    ("pandera: schemas.py", "pandera: schemas.py, dir: assets/", "file.missing_key", 5),
    ("assets: assets/", "assets: none/", "file.no_such_path", 4),
    ("workload: meters.py", "workload: none.py", "file.no_such_path", 4),
    ("workload: meters.py", "rate: 5", "file.missing_key", 4),
    ("every: 15s", "every: 10ms", "file.wrong_value", 4),
    ("into: main", "into: other", "file.wrong_value", 6),
    ("  - merge: {into: main}\n",
     "  - merge: {into: main}\n  - ingest: {assets: assets/}\n", "file.not_yet", 7),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "line"), CASES)
def test_what_is_wrong_is_said_in_its_place(
    folder: Path, old: str, new: str, code: str, line: int
) -> None:
    assert old in GOOD
    (folder / "platform.yaml").write_text(GOOD.replace(old, new))
    with pytest.raises(errors.SpecError) as told:
        load.load(folder / "platform.yaml")
    assert (code, line) in [(f.code, f.where.line) for f in told.value.findings]
