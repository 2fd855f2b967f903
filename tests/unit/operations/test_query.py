"""One question to a small real lake: rows, the commit they are of, and what is refused."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from tests.unit.operations import captured

from tidewright import errors
from tidewright.operations import query, state
from tidewright.testing import lakes


@pytest.fixture
def found(project: Path, lake: lakes.TempLake, database: psycopg.Connection) -> state.Environment:
    captured.committed(lake, [1, 2, 3])
    return captured.environment(project, lake, database)


def test_rows_and_the_commit_they_are_of(found: state.Environment) -> None:
    rows = query.query(found, "select id, name as who from bank.users order by id desc")
    assert rows.columns == ("id", "who")
    assert rows.rows == ((3, "n3"), (2, "n2"), (1, "n1"))
    assert rows.notes == {"commit": "1", "position": "0/64"}


def test_an_older_commit_shows_what_was_true_then(
    found: state.Environment, lake: lakes.TempLake
) -> None:
    newer = captured.committed(lake, [4], 200).commit_id
    count = "select count(*) from bank.users"
    assert query.query(found, count).rows == ((4,),)
    assert query.query(found, count, newer - 1).rows == ((3,),)


def test_a_commit_that_is_not_there_is_refused(found: state.Environment) -> None:
    with pytest.raises(errors.Refused) as told:
        query.query(found, "select 1", 99)
    assert told.value.code == "lake.no_such_commit"


def test_more_rows_than_the_limit_are_cut_and_said_so(found: state.Environment) -> None:
    rows = query.query(found, "select id from bank.users order by id", limit=2)
    assert rows.rows == ((1,), (2,))
    assert rows.notes["cut"] == "only the first 2 rows are shown"
    assert "cut" not in query.query(found, "select id from bank.users", limit=3).notes


def test_the_limit_is_part_of_the_plan(found: state.Environment) -> None:
    """A sort of everything would not fit; what is kept are the first rows alone."""
    narrow = "set memory_limit = '60MB'; set temp_directory = ''; "
    large = "select repeat('x', 90) || i as word from range(2000000) t(i) order by word desc"
    rows = query.query(found, narrow + large, limit=2)
    assert [str(word)[90:] for (word,) in rows.rows] == ["999999", "999998"]


def test_a_statement_without_rows_is_none_of_them(found: state.Environment) -> None:
    assert query.query(found, "set threads = 1").columns == ()


def test_the_raw_log_has_its_own_name(found: state.Environment) -> None:
    rows = query.query(found, "select distinct op from raw_data.users")
    assert rows.rows == (("c",),)


@pytest.mark.parametrize(
    ("sql", "why"), [("selec 1", "syntax error"), ("select * from bank.nobody", "nobody")]
)
def test_a_question_that_duckdb_refuses_is_an_error_of_ours(
    found: state.Environment, sql: str, why: str
) -> None:
    with pytest.raises(errors.SpecError, match=why) as told:
        query.query(found, sql)
    assert told.value.code == "lake.query"


def test_an_error_while_it_runs_is_one_too(found: state.Environment) -> None:
    late = "select case when i = 90000 then error('late') else i end from range(100000) t(i)"
    with pytest.raises(errors.SpecError, match="late") as told:
        query.query(found, late, limit=100_000)
    assert told.value.code == "lake.query"
