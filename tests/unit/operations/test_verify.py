"""Verification against a real source and a small lake; a thread answers as capture would."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from tests.unit.operations import captured
from tests.unit.pipelines.worker.cut_answers import answering

from tidewright import errors
from tidewright.kit import files
from tidewright.model import acts, codec, observed
from tidewright.operations import state, verify
from tidewright.operations.proofs import capture
from tidewright.pipelines.lake import reading
from tidewright.pipelines.worker import stops
from tidewright.testing import lakes


def verified(
    found: state.Environment,
    lake: lakes.TempLake,
    commit: int,
    say: Callable[[str], None] = lambda line: None,
) -> acts.Verification:
    with answering(lake.server, lake.database, commit_id=commit):
        return verify.verify(found, say, seconds=20)


def broken(answer: acts.Verification) -> list[str]:
    return [each.name for each in answer.invariants if not each.ok]


def test_a_lake_that_is_the_source_is_exact(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1, 2])
    commit = captured.committed(lake, [1, 2]).commit_id
    answer = verified(captured.environment(project, lake, database), lake, commit)
    assert answer.ok
    assert broken(answer) == []
    assert len(answer.invariants) == 2
    (table,) = answer.tables
    assert (table.table, table.source_rows, table.lake_rows) == ("bank.users", 2, 2)


def test_every_difference_is_counted_and_makes_it_fail(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1, 2, 3])
    database.execute("update bank.users set amount = 0 where id = 1")
    commit = captured.committed(lake, [1, 2, 5, 6]).commit_id
    answer = verified(captured.environment(project, lake, database), lake, commit)
    assert not answer.ok
    (table,) = answer.tables
    assert (table.missing, table.extra, table.different) == (1, 2, 1)


def test_a_table_that_stopped_makes_it_fail_with_its_reason(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1])
    commit = captured.committed(lake, [1]).commit_id
    found = captured.environment(project, lake, database, ("bank.users", "bank.late"))
    with lake.connect() as conn:
        stops.prepare(conn)
        stops.Stops(conn, "bank", 1).record("bank.users", "poison", "0/64")
    answer = verified(found, lake, commit)
    assert not answer.ok
    assert [(each.name, each.detail) for each in answer.invariants] == [
        ("bank.users is followed", "poison"),
        ("bank.late is followed", "it is not in the lake yet"),
    ]
    assert answer.tables == ()


def test_a_raw_log_that_does_not_replay_makes_it_fail(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1, 2])
    commit = captured.commit(lake, lakes.rows([1, 2]), captured.log("c", [1])).commit_id
    answer = verified(captured.environment(project, lake, database), lake, commit)
    assert not answer.ok
    assert broken(answer) == ["raw_data.users replays to bank.users"]


def test_rows_are_told_apart_by_the_columns_that_a_delete_brings(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    """With another identity than the primary key, a raw delete has no primary key."""
    captured.users(database, [1])
    database.execute("alter table bank.users alter name set not null")
    database.execute("create unique index by_name on bank.users (name)")
    database.execute("alter table bank.users replica identity using index by_name")
    log = captured.log("ccd", [1, 2, None], names=["n1", "n2", "n2"])
    commit = captured.commit(lake, lakes.rows([1]), log).commit_id
    answer = verified(captured.environment(project, lake, database), lake, commit)
    assert broken(answer) == []
    assert answer.ok


def test_the_files_own_checks_count(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1])
    commit = captured.committed(lake, [1]).commit_id
    found = captured.environment(project, lake, database)
    checked = captured.refreshing(found, {"rich": "select * from bank.users where amount < 11"})
    answer = verified(checked, lake, commit)
    assert broken(answer) == ["rich"]
    assert not answer.ok


def test_a_capture_that_does_not_run_is_not_waited_for_long(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1])
    found = captured.environment(project, lake, database)
    with pytest.raises(errors.TimedOut) as told:
        verify.verify(found, seconds=0.1)
    assert told.value.code == "lake.cut_not_reached"


def _says(environment: state.Environment, *states: str, seconds_ago: float = 0) -> None:
    """The worker's own word about its tables."""
    datasets = tuple(
        observed.DatasetState(f"bank.t{n}", shown, 4_000_000, 0.0, None, None)  # type: ignore[arg-type]
        for n, shown in enumerate(states)
    )
    at = int((time.time() - seconds_ago) * 1000)
    status = observed.CaptureStatus(
        at, 1, True, "running", "", None, 0, None, None, None, 0, datasets
    )
    files.replace(environment.place.root / "run" / "capture.json", codec.dumps(status))


def test_a_first_copy_is_waited_for_and_then_named(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1])
    found, said = captured.environment(project, lake, database), list[str]()
    _says(found, "copying", "waiting")
    with pytest.raises(errors.TimedOut) as told:
        verify.verify(found, said.append, seconds=0.3)
    assert told.value.code == "lake.first_copy"
    assert "4,000,000 rows" in told.value.finding.what
    assert said == ["waiting for the first copy: 4,000,000 rows so far"]


def test_a_copy_beside_a_followed_table_is_not_waited_for(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1])
    found = captured.environment(project, lake, database)
    _says(found, "copying", "following")
    with pytest.raises(errors.TimedOut) as told:
        verify.verify(found, seconds=0.1)
    assert told.value.code == "lake.cut_not_reached"


def test_the_word_of_a_worker_that_is_gone_is_not_believed(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1])
    found = captured.environment(project, lake, database)
    _says(found, "copying", seconds_ago=60)
    with pytest.raises(errors.TimedOut) as told:
        verify.verify(found, seconds=0.1)
    assert told.value.code == "lake.cut_not_reached"


def test_what_is_pinned_stays_readable_however_long_it_takes(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1])
    commit = captured.committed(lake, [1]).commit_id
    found, free = captured.environment(project, lake, database), list[bool]()

    def look(line: str) -> None:
        with reading.unlinking(Path(str(lake.job.warehouse))) as is_free:
            free.append(is_free)

    assert verified(found, lake, commit, look).ok
    assert free
    assert not any(free)


def test_where_every_table_stopped_nothing_is_waited_for(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.users(database, [1])
    captured.committed(lake, [1])
    found = captured.environment(project, lake, database)
    with lake.connect() as conn:
        stops.prepare(conn)
        stops.Stops(conn, "bank", 1).record("bank.users", "poison", "0/64")
    answer = verify.verify(found, seconds=0.1)
    assert not answer.ok
    assert [(i.name, i.detail) for i in answer.invariants] == [("bank.users is followed", "poison")]


def test_a_slot_that_a_first_copy_uses_is_waited_for(
    project: Path,
    lake: lakes.TempLake,
    database: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    captured.users(database, [1])
    commit = captured.committed(lake, [1]).commit_id
    found, said, real = captured.environment(project, lake, database), list[str](), capture._cut
    taken = iter([True, False])

    def cut(*asked: object) -> object:
        if next(taken):
            raise errors.StepFailed("source.no_free_slot", "all are in use", "source", "Raise it.")
        return real(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(capture, "_cut", cut)
    monkeypatch.setattr(capture, "SLOT_EVERY", 0.01)
    assert verified(found, lake, commit, said.append).ok
    assert "waiting for a free replication slot of the source" in said
