from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from tests.unit.operations import captured

from tidewright import errors
from tidewright.operations import recopy, state
from tidewright.pipelines.worker import stops
from tidewright.testing import lakes


@pytest.fixture
def found(project: Path, lake: lakes.TempLake, database: psycopg.Connection) -> state.Environment:
    return captured.environment(project, lake, database, ("bank.users", "bank.accounts"))


def asked(lake: lakes.TempLake) -> set[str]:
    with lake.connect() as conn:
        stops.prepare(conn)
        return set(stops.Stops(conn, "bank", 0).all())


def test_only_the_named_table_is_asked_for(found: state.Environment, lake: lakes.TempLake) -> None:
    recopy.recopy(found, ("bank.accounts",))
    assert asked(lake) == {"bank.accounts"}


def test_a_table_outside_the_flow_is_refused_and_nothing_asked(
    found: state.Environment, lake: lakes.TempLake
) -> None:
    with pytest.raises(errors.SpecError, match=r"bank\.nobody is not in the flow") as told:
        recopy.recopy(found, ("bank.users", "bank.nobody"))
    assert told.value.code == "lake.not_captured"
    assert asked(lake) == set()
