"""What a command finds of a lake: the job of a service, and one commit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import duckdb
import psycopg
import pytest
from tests.unit.operations import captured

from tidewright import errors
from tidewright.model import jobs
from tidewright.operations import lakeside
from tidewright.testing import lakes


def test_the_job_is_read_as_it_was_given(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    found = captured.environment(project, lake, database)
    job = lakeside.job(found, "capture", jobs.CaptureJob)
    assert (job.name, job.capture.tables) == ("bank", ("bank.users",))


def test_a_service_that_the_environment_does_not_have_is_named(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    found = captured.environment(project, lake, database)
    with pytest.raises(errors.Refused, match="no service refresh") as told:
        lakeside.job(found, "refresh", jobs.RefreshJob)
    assert told.value.code == "lake.no_job"


def test_a_stopped_environment_is_said_to_be(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    found = captured.environment(project, lake, database)
    job = lakeside.job(found, "capture", jobs.CaptureJob)
    nobody = dataclasses.replace(job.lake.catalog, port=1)
    gone = dataclasses.replace(job, lake=dataclasses.replace(job.lake, catalog=nobody))
    with pytest.raises(errors.Refused, match="laptop is stopped") as told:
        lakeside.asked(found, gone)
    assert told.value.code == "local.stopped"
    lakeside.asked(found, job).close()


def test_a_lake_before_its_first_commit_is_empty(lake: lakes.TempLake) -> None:
    with lake.connect() as conn:
        with pytest.raises(errors.Refused) as told:
            lakeside.pinned(conn, "bank")
        lake.open()
        with pytest.raises(errors.Refused):
            lakeside.pinned(conn, "bank")
    assert told.value.code == "lake.empty"


def test_a_commit_is_pinned_by_number_or_the_newest(lake: lakes.TempLake) -> None:
    first = captured.committed(lake, [1]).commit_id
    second = captured.committed(lake, [2], 200).commit_id
    with lake.connect() as conn:
        assert lakeside.pinned(conn, "bank").commit_id == second
        assert lakeside.pinned(conn, "bank", first).position == "0/64"


def test_every_table_of_the_commit_is_a_view(lake: lakes.TempLake) -> None:
    captured.committed(lake, [1, 2])
    with lake.connect() as conn:
        duck = lakeside.views(lakeside.pinned(conn, "bank"))
    found = duck.execute("select count(*) from bank.users join raw_data.users using (id)")
    assert found.fetchone() == (2,)
    assert duck.execute("select current_setting('timezone')").fetchone() == ("UTC",)
    duck.close()


def test_a_lake_that_cannot_be_read_is_a_broken_promise() -> None:
    with pytest.raises(errors.PromiseBroken) as told, lakeside.readable("bank"):
        duckdb.execute("select cast('Ada' as integer)")
    assert told.value.code == "lake.unreadable"
    assert "Ada" in told.value.finding.what
    assert told.value.finding.where.name == "flow bank"


def test_too_little_memory_is_not() -> None:
    with pytest.raises(duckdb.OutOfMemoryException), lakeside.readable("bank"):
        raise duckdb.OutOfMemoryException("too little")
