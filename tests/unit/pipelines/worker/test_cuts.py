"""A cut's row, from both sides: who asks, what the worker sees of it, and how it ends."""

from __future__ import annotations

import psycopg
import pytest
from tests.unit.pipelines.worker import together
from tests.unit.pipelines.worker.cut_answers import answering

from tidewright import errors
from tidewright.pipelines.worker import cuts
from tidewright.testing.postgres import TempPostgres

FAR = (3 << 32) | 0xAB


def test_a_request_is_there_until_it_is_released(database: psycopg.Connection) -> None:
    cuts.prepare(database)
    assert cuts.current(database, "bank") is None
    with cuts.Asking(database, "bank", 5) as asking:
        asked = cuts.current(database, "bank")
        assert asked is not None
        assert (asked.state, asked.position) == ("hold", None)
        asking.release()
        assert cuts.current(database, "bank") is None


def test_one_flow_does_not_hear_another(database: psycopg.Connection) -> None:
    with cuts.Asking(database, "shop", 5):
        assert cuts.current(database, "bank") is None


def test_who_asks_later_waits_however_short_of_time(database: psycopg.Connection) -> None:
    """A scheduled backup, which waits for less long, does not take the cut of a `verify`."""
    with cuts.Asking(database, "bank", 50) as first, cuts.Asking(database, "bank", 5):
        asked = cuts.current(database, "bank")
        first.release()
        left = cuts.current(database, "bank")
    assert asked is not None
    assert left is not None
    assert asked.id == first._id
    assert asked.id != left.id


def test_a_request_past_its_deadline_does_not_count(database: psycopg.Connection) -> None:
    with cuts.Asking(database, "bank", 0):
        assert cuts.current(database, "bank") is None


@pytest.mark.parametrize("word", ["held", "done"])
def test_an_answered_request_still_holds_the_worker(
    database: psycopg.Connection, word: str
) -> None:
    with cuts.Asking(database, "bank", 5):
        asked = cuts.current(database, "bank")
        assert asked is not None
        cuts.answer(database, asked, word, None)
        again = cuts.current(database, "bank")
    assert again is not None
    assert (again.id, again.state) == (asked.id, word)


def test_the_worker_is_told_where_and_answers_which_commit(
    database: psycopg.Connection, postgres: TempPostgres
) -> None:
    catalog = database.info.dbname
    with (
        answering(postgres, catalog, commit_id=7) as seen,
        cuts.Asking(database, "bank", 20) as asking,
    ):
        asking.held()
        assert asking.at(FAR) == 7
    assert [(asked.state, asked.position) for asked in seen] == [("hold", None), ("go", FAR)]


def test_a_worker_that_is_past_the_cut_says_so(
    database: psycopg.Connection, postgres: TempPostgres
) -> None:
    with (
        answering(postgres, database.info.dbname, last="missed"),
        cuts.Asking(database, "bank", 20) as asking,
        pytest.raises(errors.StepFailed) as told,
    ):
        asking.at(FAR)
    assert told.value.code == "lake.cut_missed"


def test_a_worker_that_does_not_answer_is_not_waited_for_longer(
    database: psycopg.Connection,
) -> None:
    with cuts.Asking(database, "bank", 0.05) as asking, pytest.raises(errors.TimedOut) as told:
        asking.held()
    assert told.value.code == "lake.cut_not_reached"
    assert cuts.current(database, "bank") is None


def test_two_sessions_may_make_the_table_at_once(
    database: psycopg.Connection, postgres: TempPostgres
) -> None:
    together.both(database, postgres, cuts.prepare)
