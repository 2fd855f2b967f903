"""``add source`` from the command line: what it prints, and where a password is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tidewright import api
from tidewright.cli import main, passwords
from tidewright.cli.verbs import add, init
from tidewright.targets.local import layout


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text("id\n1\n")


def test_a_platform_from_nothing_and_one_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        CliRunner().invoke(init.command, ["--from", "orders.csv", "--name", "shop"]).exit_code == 0
    )
    words = ["add", "source", "orders.csv", "--name", "more", "-f", "shop"]
    assert main.run([*words, "-o", "json"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["tables"], found["rows"], found["secret"]) == (["files.more"], 1, None)
    assert found["diff"].startswith("--- platform.yaml\n+++ platform.yaml\n")
    assert 'tidewright query "select count(*) from files.more"' in told.err
    assert main.run(words) == 4
    assert "source.taken" in capsys.readouterr().err


def test_the_diff_is_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    CliRunner().invoke(init.command, ["--from", "orders.csv", "."])
    assert main.run(["add", "source", "orders.csv", "--name", "more"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["--- platform.yaml", "+++ platform.yaml"]
    assert "+            more: {path: orders.csv, columns: [id integer]}" in lines


def test_a_password_comes_by_a_pipe_and_not_by_an_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[str] = []

    def remember(file: Path, wish: api.SourceWish, env: str | None) -> None:
        given.append(wish.source)
        raise SystemExit

    monkeypatch.setattr(api, "add_source", remember, raising=False)
    CliRunner().invoke(add.command, ["source", "https://me@host/a.csv"], input="p@ss\n")
    found = CliRunner().invoke(add.command, ["source", "https://me:pw@host/a.csv"])
    assert given == ["https://me:p%40ss@host/a.csv", "https://me:pw@host/a.csv"]
    assert "seen by others" in found.stderr


def test_nothing_is_asked_of_what_has_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert passwords.whole("a@b.csv", lambda _: True, ask=True) == "a@b.csv"
