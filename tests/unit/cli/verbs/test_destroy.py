"""``destroy`` wants a typed word, or ``--yes``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.operations.conftest import platform, service

from tidewright.cli import main
from tidewright.operations import state
from tidewright.targets.local import layout


@pytest.fixture
def place(project: Path) -> layout.Layout:
    """An environment that was up before."""
    found = layout.create(project, "laptop")
    state.write_applied(found, platform(service("a")))
    return found


def test_without_the_word_nothing_is_removed(
    place: layout.Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["destroy", "--file", str(place.project), "--non-interactive"]
    assert main.run(words) == 4
    said = capsys.readouterr().err
    assert "This removes the environment laptop of bank" in said
    assert "[local.not_agreed]" in said
    assert place.secrets.is_dir()


def test_what_a_first_up_left_that_failed_is_removed(project: Path) -> None:
    found = layout.create(project, "laptop")
    (found.secrets / "bank_url").write_text("x", encoding="utf-8")
    assert main.run(["destroy", "--file", str(project), "--yes"]) == 0
    assert not found.root.exists()


def test_yes_agrees(place: layout.Layout) -> None:
    assert main.run(["destroy", "--file", str(place.project), "--yes"]) == 0
    assert not place.root.exists()
