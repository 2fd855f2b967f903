"""The runner between its children: fenced by a newer one, and settling what an older one left."""

from __future__ import annotations

import pytest
from tests.unit.pipelines.ingest.projects import Project

from tidewright import errors
from tidewright.model import codec
from tidewright.pipelines.ingest import runner
from tidewright.pipelines.lake import branches, catalog

ASSET = '@asset(table="raw.a")\ndef a():\n    return [{"id": 1}]\n'


def opened(project: Project) -> runner.Runner:
    file = project.folder / "job.json"
    file.write_text(codec.dumps(project.job))
    return runner.Runner(file)


def test_a_newer_runner_fences_the_older(project: Project) -> None:
    old = opened(project)
    conn = old._ready()
    catalog.take_lease(project.conn, "ingest", "newer")
    with pytest.raises(errors.Refused) as told:
        old._start(conn)
    assert told.value.code == "ingest.taken_over"
    old._hang_up()


def test_a_start_merges_what_is_green_and_marks_what_was_cut_off(project: Project) -> None:
    project.asset(ASSET)
    _, green = project.run()
    cut = branches.make(project.conn, "ingest", project.epoch)
    assert isinstance(cut, str)
    new = opened(project)
    new._ready()
    new._hang_up()
    states = {b.name: b.state for b in branches.every(project.conn, "ingest", gone=True)}
    assert states == {green.name: "merged", cut: "failed"}
    assert project.rows("raw.a") == [(1,)]


def test_a_green_branch_under_which_main_moved_becomes_stale(project: Project) -> None:
    project.asset(ASSET)
    _, late = project.run()
    project.merge()
    new = opened(project)
    new._ready()
    new._hang_up()
    found = branches.find(project.conn, late.name)
    assert found is not None
    assert found.state == "stale"
    assert "the run is repeated from main as it is" in found.message
    assert new.clock.run == 0.0
