"""An environment whose flow ingests, as ``up`` leaves it, with runs made by hand."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from tests.unit.operations.conftest import STAY, platform
from tests.unit.pipelines.ingest.projects import Project

from tidewright.kit import files
from tidewright.model import codec, values
from tidewright.model import platform as nouns
from tidewright.operations import state
from tidewright.targets.local import layout
from tidewright.testing import lakes
from tidewright.vault import files as vault

ASSET = (
    '@asset(table="raw.a")\ndef a(landing):\n    return [{"id": len(list(landing.iterdir()))}]\n'
)
CHECKS = 'class A(pa.DataFrameModel):\n    id: int = pa.Field(ge=0)\nCHECKS = {"raw.a": A}\n'


def environment(folder: Path, lake: lakes.TempLake) -> tuple[state.Environment, Project]:
    """What was applied, the job's file, and the project with one asset and one check."""
    place = layout.create(folder, "laptop")
    vault.write(place.secrets, "catalog", lake.server.password)
    made = Project(lake, folder)
    made.asset(ASSET)
    made.checks(CHECKS)
    job = dataclasses.replace(made.job, secrets=str(place.secrets))
    file = place.folder(values.Folder("config", "ingest/job.json"))
    file.parent.mkdir(parents=True)
    files.replace_private(file, codec.dumps(job))
    process = nouns.Process((sys.executable, "-S", "-c", STAY), job=job)
    applied = platform(nouns.Service("ingest", "runs", "ingest", process))
    state.write_applied(place, applied)
    return state.Environment("laptop", place, applied), made
