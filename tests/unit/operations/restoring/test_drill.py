"""What nobody expected fails a drill, and what it was is kept."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.pipelines.backup import points as made

from tidewright.model import jobs
from tidewright.operations import drill, up
from tidewright.operations.restoring import points

TALK = up.Talk(say=lambda _: None, ask=lambda _: True)


def test_a_defect_fails_the_drill_and_its_traceback_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = made.keep(tmp_path)
    place = SimpleNamespace(root=tmp_path / "state", project=tmp_path / "project")
    environment: Any = SimpleNamespace(
        name="laptop", applied=SimpleNamespace(name="bank"), place=place
    )
    asked = jobs.BackupJob(
        "bank", "laptop", "platform.yaml", str(tmp_path), str(tmp_path / "state"),
        str(tmp_path / "secrets"), "", (), (), None, "backups",
    )  # fmt: skip

    def odd(*_: object) -> None:
        raise LookupError("nobody expected this")

    source = points.Source(kept.store, kept.recovery)
    monkeypatch.setattr(drill.backup_place, "job", lambda _: asked)
    monkeypatch.setattr(drill.backup_place, "own", lambda *_: source)
    monkeypatch.setattr(drill.restore, "restore", odd)
    report, _ = drill.drill(environment, TALK)
    assert not report.ok and report.code == "backup.drill" and "LookupError" in report.cause
    (log,) = (place.root / drill.FOLDER).glob("*-defect.log")
    assert str(log) in report.hint and stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "Traceback" in log.read_text() and "in odd" in log.read_text()
