"""Status files as one record."""

from __future__ import annotations

from pathlib import Path

from tests.unit.console import scenes

from tidewright.model import codec
from tidewright.operations import observing


def test_what_was_written_is_read(tmp_path: Path) -> None:
    scene = scenes.observation()
    run = tmp_path / "run"
    run.mkdir()
    for name, status in (
        ("supervisor", scene.supervisor),
        ("capture", scene.capture),
        ("refresh", scene.refresh),
        ("workload-bank", scene.workloads["bank"]),
    ):
        (run / f"{name}.json").write_text(codec.dumps(status))
    found = observing.observe(tmp_path)
    assert (found.supervisor, found.capture) == (scene.supervisor, scene.capture)
    assert (found.refresh, found.workloads) == (scene.refresh, scene.workloads)


def test_no_file_a_torn_file_and_another_s_file_count_as_none(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "capture.json").write_text('{"is": "CaptureStatus", "at_ms"')
    (run / "refresh.json").write_text('{"is": "SupervisorStatus"}')
    found = observing.observe(tmp_path)
    assert (found.supervisor, found.capture, found.refresh, found.workloads) == (
        None,
        None,
        None,
        {},
    )
