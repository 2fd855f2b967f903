"""What a demo leaves behind when it is interrupted: nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright.operations import demo, up
from tidewright.targets.local import layout


@pytest.mark.parametrize("moment", ["Create capture", "  console "])
def test_ctrl_c_before_all_is_healthy_leaves_nothing(project: Path, moment: str) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line.startswith(moment):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.demo((), demo.Wish(), up.Talk(say, bool))
    folder = Path(said[0].partition(": in ")[2])
    assert not folder.parent.exists()
    assert not list(layout.SYSTEM.glob("*/laptop"))
    assert project.is_dir()
