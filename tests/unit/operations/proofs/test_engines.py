"""The cut of a source whose lake engines write: who is waited for, and what ends the waiting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.unit.pipelines.deploy import test_steps as steps

from tidewright import errors
from tidewright.model import native
from tidewright.operations.proofs import engines
from tidewright.testing.postgres import TempPostgres

job = steps.job


def test_writers_wait_during_a_cut_and_go_on_after(
    job: native.DeployJob, database: psycopg.Connection[Any], tmp_path: Path
) -> None:
    database.execute("create table t (id int primary key)")
    database.commit()
    database.execute("set lock_timeout = '100ms'")
    with engines._held(job, 5) as cut:
        assert "/" in cut.at
        with pytest.raises(psycopg.errors.LockNotAvailable):
            database.execute("insert into t values (1)")
        database.rollback()
    database.execute("insert into t values (1)")


def test_a_transaction_that_holds_a_table_ends_the_waiting(
    job: native.DeployJob, database: psycopg.Connection[Any], postgres: TempPostgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    database.execute("create table t (id int primary key)")
    database.commit()
    monkeypatch.setattr(engines, "LOCK_SECONDS", 1)
    with postgres.connect(database.info.dbname) as other:
        other.execute("begin")
        other.execute("insert into t values (1)")
        with pytest.raises(errors.TimedOut) as caught, engines._held(job, 5):
            pass
        assert caught.value.finding.code == "lake.cut_not_held"
