"""``open`` without anything to open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.model import platform as nouns
from tidewright.operations import console_link, project, state
from tidewright.targets.local import layout


def test_a_stopped_environment_has_no_console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = layout.Layout(tmp_path, tmp_path, None)
    applied = nouns.Platform("bank", "laptop", "local", (), (), (), ())
    found = state.Environment("laptop", place, applied)
    monkeypatch.setattr(project, "environment", lambda file, asked: found)
    with pytest.raises(errors.Refused, match=re.escape("console.not_running")):
        console_link.console_link(tmp_path / "platform.yaml")
