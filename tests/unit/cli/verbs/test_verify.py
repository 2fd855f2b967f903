"""``verify`` from the command line: what it prints, and the exit code of a broken promise."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from tests.unit.operations import captured
from tests.unit.pipelines.worker.cut_answers import answering

from tidewright.cli import main
from tidewright.testing import lakes

Said = pytest.CaptureFixture[str]


def run(project: Path, lake: lakes.TempLake, commit: int, *words: str) -> int:
    with answering(lake.server, lake.database, commit_id=commit):
        return main.run(["verify", "--file", str(project), *words])


def test_an_exact_lake_ends_well(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection, capsys: Said
) -> None:
    captured.users(database, [1, 2])
    captured.environment(project, lake, database)
    assert run(project, lake, captured.committed(lake, [1, 2]).commit_id) == 0
    assert "\nExact at " in capsys.readouterr().out


def test_a_difference_is_shown_and_breaks_the_promise(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection, capsys: Said
) -> None:
    captured.users(database, [1, 2])
    captured.environment(project, lake, database)
    assert run(project, lake, captured.committed(lake, [1]).commit_id) == 7
    said = capsys.readouterr()
    assert "NOT exact at " in said.out
    assert "[lake.not_exact]" in said.err


def test_a_pipe_gets_one_document_also_when_the_promise_is_broken(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection, capsys: Said
) -> None:
    captured.users(database, [1, 2])
    captured.environment(project, lake, database)
    assert run(project, lake, captured.committed(lake, [1]).commit_id, "-o", "json") == 7
    said = capsys.readouterr()
    assert json.loads(said.out)["ok"] is False
    assert "[lake.not_exact]" in said.err
