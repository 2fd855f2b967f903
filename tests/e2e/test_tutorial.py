"""The tutorial, run as it stands, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs import console_blocks

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-five-minutes.md"


def test_every_command_of_the_tutorial_succeeds(tmp_path: Path) -> None:
    folder = tmp_path
    tool = [sys.executable, "-m", "tidewright"]
    try:
        for words in console_blocks.commands(TUTORIAL.read_text()):
            if words[0] == "cd":
                folder = folder / words[1]
                continue
            assert words[0] == "tidewright"
            run([*tool, *words[1:]], folder)
    finally:
        if (folder / "platform.yaml").exists():
            subprocess.run([*tool, "destroy", "--yes"], cwd=folder, check=False, timeout=120)


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
