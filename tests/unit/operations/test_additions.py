"""What ``up --with`` adds is remembered by the environment, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.operations import additions, init, project, up

ADD, REMOVE = additions.Wish(add=("superset",)), additions.Wish(remove=("superset",))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tidewright.targets.local.layout.SYSTEM", tmp_path / "system")
    init.init_from_example("bank-cdc", tmp_path / "bank")
    return tmp_path / "bank"


def names(folder: Path, wish: additions.Wish = additions.NOTHING) -> set[str]:
    return {s.name for s in project.load(folder, "laptop", wish).platform.services}


def test_nothing_is_added_by_itself(folder: Path) -> None:
    assert "superset" not in names(folder)


def test_what_is_added_stays_until_it_is_taken_away(folder: Path) -> None:
    found = project.load(folder, "laptop", ADD)
    assert "superset" in {s.name for s in found.platform.services}
    assert {"superset-admin", "superset-key", "superset-owner"} <= set(found.platform.secrets)
    assert "superset" in {e.name for e in found.platform.endpoints}
    additions.remember(found.spec, ADD)
    assert "superset" in names(folder)
    additions.remember(project.load(folder, "laptop", REMOVE).spec, REMOVE)
    assert "superset" not in names(folder)


def test_it_says_what_it_keeps(folder: Path) -> None:
    additions.remember(project.load(folder, "laptop", ADD).spec, ADD)
    said: list[str] = []
    project.load(folder, "laptop", talk=up.Talk(said.append, lambda question: True))
    assert said == ["superset stays: `up --with` added it, `up --without` takes it away."]


def test_what_the_file_asks_for_is_taken_out_of_the_file(folder: Path) -> None:
    file = folder / "platform.yaml"
    file.write_text(file.read_text() + "engines: {bi: superset}\n")
    assert "superset" in names(folder)
    with pytest.raises(errors.Refused) as caught:
        names(folder, REMOVE)
    assert caught.value.finding.code == "local.file_asks"
