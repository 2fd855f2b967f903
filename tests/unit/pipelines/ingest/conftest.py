"""A lake with a lease, and a project folder whose files a test writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.pipelines.ingest.projects import Project

from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def project(postgres: TempPostgres, tmp_path: Path) -> Iterator[Project]:
    with lakes.TempLake(postgres, tmp_path) as lake, Project(lake, tmp_path) as found:
        yield found
