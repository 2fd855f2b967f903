"""A load on a lake of its own, ended after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.pipelines.load.loading import Load

from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def load(postgres: TempPostgres, tmp_path: Path) -> Iterator[Load]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        running = Load(lake, tmp_path)
        yield running
        running.end()
