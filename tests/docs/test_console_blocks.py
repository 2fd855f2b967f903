"""The runner's parser, and that the tutorial has something to run."""

from __future__ import annotations

from pathlib import Path

from tests.docs import console_blocks

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-five-minutes.md"


def test_only_prompted_lines_of_console_blocks_are_commands() -> None:
    page = (
        '# Page\n```text\n$ no\n```\n```console\n$ a "b c"   # why\noutput\n```\n'
        "text\n```console\n$ d\n```\n"
    )
    assert list(console_blocks.commands(page)) == [["a", "b c"], ["d"]]


def test_the_tutorial_starts_and_cleans_up() -> None:
    found = list(console_blocks.commands(TUTORIAL.read_text()))
    assert found[0][:2] == ["tidewright", "init"]
    assert found[-1][:2] == ["tidewright", "destroy"]
