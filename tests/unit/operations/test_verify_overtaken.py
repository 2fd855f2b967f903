"""A table that somebody truncates after the cut is not judged: the cut is made again."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import errors as pg
from tests.unit.operations import captured
from tests.unit.pipelines.worker.cut_answers import answering

from tidewright import errors
from tidewright.operations import state, verify
from tidewright.operations.proofs import capture
from tidewright.pipelines.feeds import snapshot
from tidewright.testing import lakes

# What each of them leaves in the source is what the lake holds.
CHANGES = (
    "truncate bank.users; insert into bank.users values (1, 'n1', 10), (2, 'n2', 20)",
    "alter table bank.users alter name type varchar(20)",
)


@pytest.fixture
def found(project: Path, lake: lakes.TempLake, database: psycopg.Connection) -> state.Environment:
    captured.users(database, [1, 2])
    captured.committed(lake, [1, 2])
    database.execute("set lock_timeout = '50ms'")
    return captured.environment(project, lake, database)


def commit_of(lake: lakes.TempLake) -> int:
    with lake.connect() as conn:
        row = conn.execute("select max(id) from tidewright_commits").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("change", CHANGES)
def test_the_cut_is_made_again_and_the_table_held(
    found: state.Environment, lake: lakes.TempLake, database: psycopg.Connection, change: str
) -> None:
    said, waited = list[str](), list[str]()

    def meddle(line: str) -> None:
        said.append(line)
        if line.startswith("cut at"):
            try:
                database.execute(change.encode())
            except pg.LockNotAvailable:
                waited.append(line)
        if "replays to" in line:  # it has been read, and nobody has to wait any more
            database.execute("truncate bank.users")

    with answering(lake.server, lake.database, commit_id=commit_of(lake), times=2):
        answer = verify.verify(found, meddle, seconds=20)
    assert answer.ok
    assert len(answer.tables) == 1
    assert (answer.tables[0].source_rows, answer.tables[0].lake_rows) == (2, 2)
    assert "bank.users: altered or truncated after cut 1 of 5, before it was read" in said
    assert len(waited) == 1


def test_a_table_that_is_never_left_alone_is_not_called_wrong(
    found: state.Environment,
    lake: lakes.TempLake,
    database: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capture, "CUTS", 2)
    hold = snapshot.Snapshot.hold

    def too_late(self: snapshot.Snapshot, names: tuple[str, ...]) -> None:
        if names:
            database.execute(CHANGES[0].encode())
        hold(self, names)

    monkeypatch.setattr(snapshot.Snapshot, "hold", too_late)
    with (
        answering(lake.server, lake.database, commit_id=commit_of(lake), times=2),
        pytest.raises(errors.TimedOut) as told,
    ):
        verify.verify(found, seconds=20)
    assert told.value.code == "lake.cut_overtaken"
    assert "bank.users could not be compared" in told.value.what


def test_a_column_that_is_renamed_meanwhile_is_no_traceback(
    found: state.Environment, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    renamed = list[str]()

    def meddle(line: str) -> None:
        if line.startswith("cut at") and not renamed:
            database.execute("alter table bank.users rename name to title")
        if line.startswith("bank.users: altered"):
            database.execute("alter table bank.users rename title to name")
            renamed.append(line)

    with answering(lake.server, lake.database, commit_id=commit_of(lake), times=2):
        assert verify.verify(found, meddle, seconds=20).ok
    assert len(renamed) == 1
