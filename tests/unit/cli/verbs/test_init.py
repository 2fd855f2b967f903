"""``init`` at a terminal, in a pipe, and told not to ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tidewright.cli.verbs import init
from tidewright.targets.local import layout


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "_is_terminal", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_at_a_terminal_it_asks_what_to_begin_with(tmp_path: Path) -> None:
    answers = "\n".join((_number("bank-cdc"), "shop", ""))
    found = CliRunner().invoke(init.command, [], input=answers)
    assert found.exit_code == 0, found.output
    assert "platform: shop" in (tmp_path / "shop" / "platform.yaml").read_text()


@pytest.mark.usefixtures("terminal")
def test_no_name_is_the_name_that_is_there(tmp_path: Path) -> None:
    found = CliRunner().invoke(init.command, [], input=f"{_number('bank-cdc')}\n\n")
    assert found.exit_code == 0, found.output
    assert (tmp_path / "bank-cdc" / "platform.yaml").exists()


@pytest.mark.usefixtures("terminal")
def test_it_never_asks_when_told_so(tmp_path: Path) -> None:
    found = CliRunner().invoke(init.command, ["--non-interactive"], input="1\n\n")
    assert found.exit_code == 2
    assert "--example" in found.output
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_not_asked(tmp_path: Path) -> None:
    found = CliRunner().invoke(init.command, [], input="1\n\n")
    assert found.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_flags_say_it_all(tmp_path: Path) -> None:
    words = ["--name", "shop", "--example", "bank-cdc", "--non-interactive"]
    assert CliRunner().invoke(init.command, words).exit_code == 0
    assert (tmp_path / "shop" / "platform.yaml").exists()


def _number(example: str) -> str:
    from tidewright import api

    return str(api.examples().index(example) + 1)
