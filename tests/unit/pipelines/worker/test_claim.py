"""Who may follow a flow: one connection at a time, for as long as it lives."""

from __future__ import annotations

import psycopg
import pytest

from tidewright import errors
from tidewright.pipelines.worker import claim
from tidewright.testing.postgres import TempPostgres


def test_a_second_worker_is_told_to_wait(
    database: psycopg.Connection, postgres: TempPostgres
) -> None:
    claim.take(database, "bank")
    claim.take(database, "bank")
    with postgres.connect(database.info.dbname) as other:
        with pytest.raises(errors.Refused) as told:
            claim.take(other, "bank")
        claim.take(other, "shop")
    assert told.value.code == "lake.held"
    assert isinstance(told.value, errors.Transient)


def test_the_death_of_the_holder_frees_the_flow(
    database: psycopg.Connection, postgres: TempPostgres
) -> None:
    with postgres.connect(database.info.dbname) as holder:
        claim.take(holder, "bank")
        database.execute("select pg_terminate_backend(%s, 5000)", (holder.info.backend_pid,))
        claim.take(database, "bank")
        holder.close()
