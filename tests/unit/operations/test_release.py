"""Giving back slot and publication at a real server that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.unit.operations import captured
from tests.unit.operations.conftest import Talking

from tidewright import errors
from tidewright.operations import destroy, release, state
from tidewright.pipelines.feeds import publications
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def found(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> Iterator[state.Environment]:
    """An environment whose slot and publication exist."""
    name = f"tw_{database.info.dbname}"
    database.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", (name,))
    database.execute(f"create publication {name}".encode())
    database.execute(f"comment on publication {name} is '{publications.OURS}'".encode())
    yield captured.environment(project, lake, database)
    database.execute(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s",
        (name,),
    )


@pytest.fixture
def in_use(
    found: state.Environment, database: psycopg.Connection, postgres: TempPostgres
) -> Iterator[None]:
    """Somebody reads the slot."""
    name = database.info.dbname
    with psycopg.connect(postgres.dsn(name), replication="database", autocommit=True) as reader:
        command = f"START_REPLICATION SLOT tw_{name} LOGICAL 0/0 (proto_version '1',"
        reader.pgconn.send_query(f"{command} publication_names 'tw_{name}')".encode())
        while not _active(database):
            pass
        yield
        reader.close()
    while _active(database):
        pass


def _active(conn: psycopg.Connection) -> bool:
    query = "select active from pg_replication_slots where database = current_database()"
    return conn.execute(query).fetchone() == (True,)


def _left(conn: psycopg.Connection) -> tuple[int, int]:
    """How many slots and publications there are."""
    slots = "select count(*) from pg_replication_slots where database = current_database()"
    (row,) = conn.execute(f"select ({slots}), (select count(*) from pg_publication)".encode())
    return row


def test_slot_and_publication_are_dropped(
    found: state.Environment, database: psycopg.Connection
) -> None:
    assert _left(database) == (1, 1)
    talking = Talking()
    release.withdraw(found, talking.talk)
    assert _left(database) == (0, 0)
    assert talking.said[0].startswith("Dropped the slot")
    assert talking.said[1].endswith("is dropped.")
    release.withdraw(found, talking.talk)


def test_a_publication_that_was_there_before_stays(
    found: state.Environment, database: psycopg.Connection
) -> None:
    database.execute(f"comment on publication tw_{database.info.dbname} is null".encode())
    talking = Talking()
    release.withdraw(found, talking.talk)
    assert _left(database) == (0, 1)
    assert "not of our making, and stays" in talking.said[1]


def test_a_released_slot_leaves_publication_and_a_mark(
    found: state.Environment, database: psycopg.Connection
) -> None:
    release.release(found, Talking().talk)
    assert _left(database) == (0, 1)
    mark = (found.place.run / release.RELEASED).read_text()
    assert mark == f"tw_{database.info.dbname}\n"


@pytest.mark.usefixtures("in_use")
def test_a_slot_in_use_is_kept_and_nothing_is_marked(
    found: state.Environment, database: psycopg.Connection
) -> None:
    with pytest.raises(errors.StepFailed, match="is active for PID") as told:
        release.release(found, Talking().talk)
    assert told.value.code == "local.slot_kept"
    assert _left(database) == (1, 1)
    assert not (found.place.run / release.RELEASED).exists()


@pytest.mark.usefixtures("in_use")
def test_destroy_then_removes_nothing_either(
    found: state.Environment, database: psycopg.Connection
) -> None:
    with pytest.raises(errors.StepFailed, match="is active for PID") as told:
        destroy.destroy(found, Talking().talk)
    assert told.value.code == "local.source_kept"
    assert _left(database) == (1, 1)
    assert found.place.secrets.is_dir()
