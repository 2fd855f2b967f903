from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidewright.targets.local import logfiles

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (.*)")


def _lines(path: Path) -> list[str]:
    return [STAMP.fullmatch(line)[1] for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_line_is_stamped_whole_and_in_order(tmp_path: Path) -> None:
    log = logfiles.LogFile(tmp_path / "a.log")
    log.data_received(b"one\ntw")
    log.data_received(b"o\r\nthree")
    log.connection_lost(None)
    log.close()
    assert _lines(tmp_path / "a.log") == ["one", "two", "three"]


def test_a_line_without_end_is_cut_not_kept_in_memory(tmp_path: Path) -> None:
    log = logfiles.LogFile(tmp_path / "a.log")
    for _ in range(5):
        log.data_received(b"x" * 10_000)
    log.close()
    assert [len(line) for line in _lines(tmp_path / "a.log")] == [20_000, 20_000]


def test_the_telling_line_is_the_last_that_gives_a_reason(tmp_path: Path) -> None:
    log = logfiles.LogFile(tmp_path / "a.log")
    log.data_received(b"FATAL: no\nshut down\n")
    assert log.telling() == "FATAL: no"
    log.forget()
    log.data_received(b"shut down\n\n")
    assert log.telling() == "shut down"
    log.close()


def test_it_is_rotated_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "LARGEST", 200)
    log = logfiles.LogFile(tmp_path / "a.log")
    for n in range(50):
        log.write(f"line {n}")
    log.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.log", "a.log.1", "a.log.2", "a.log.3"]
    assert all(p.stat().st_size <= 200 for p in tmp_path.iterdir())


def test_a_log_that_cannot_be_written_is_told_not_raised() -> None:
    log = logfiles.LogFile(Path("/dev/full"))
    log.write("x")
    assert "disk full" in log.trouble
    log.close()
