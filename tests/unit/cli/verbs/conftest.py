"""A platform's folder for the command line, with its state below the test's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tidewright.targets.local import layout
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def lake(postgres: TempPostgres, tmp_path: Path) -> Iterator[lakes.TempLake]:
    with lakes.TempLake(postgres, tmp_path) as found:
        yield found
