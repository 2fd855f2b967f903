"""``branch`` and ``query --ref`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.operations import branched

from tidewright.cli import main
from tidewright.testing import lakes


def test_list_query_merge_and_drop(
    project: Path, lake: lakes.TempLake, capsys: pytest.CaptureFixture[str]
) -> None:
    _, user = branched.environment(project, lake)
    at = ["--file", str(project)]
    with user:
        user.run()
        assert main.run(["branch", "list", *at, "-o", "json"]) == 0
        (line,) = json.loads(capsys.readouterr().out)["branches"]
        assert (line["name"], line["state"], line["tables"]) == ("run-1", "green", ["raw.a"])
        sql = "select count(*) as n from raw.a"
        assert main.run(["query", sql, *at, "--ref", "run-1", "-o", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["rows"] == [{"n": 1}]
        assert main.run(["query", sql, *at, "--ref", "run-1", "--commit", "1"]) == 2
        assert main.run(["branch", "merge", "run-1", *at]) == 0
        assert "Merged run-1 as commit 1 of main: raw.a." in capsys.readouterr().out
        user.run()
        assert main.run(["branch", "drop", "run-2", *at]) == 0
        assert main.run(["branch", "list", *at]) == 0
        assert "No branch beside main." in capsys.readouterr().out
        assert main.run(["branch", "drop", "run-2", *at]) == 2
        assert "it is dropped" in capsys.readouterr().err
