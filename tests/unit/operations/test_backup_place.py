"""Points are found beside a platform that was destroyed, and in a place that is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.unit.pipelines.backup import points as made

from tidewright import errors
from tidewright.operations import backup, backup_place
from tidewright.targets.local import layout

BANK = Path(__file__).parents[3] / "examples" / "bank-cdc"
WHOLE = "\nbackup: {to: backups, every: 1h}\n"


def destroyed(folder: Path, more: str, below: str) -> made.Kept:
    """A platform's folder as ``destroy`` leaves it: its file, id and recovery key; and a point."""
    kept = made.keep(folder / "made")
    project = folder / "bank"
    shutil.copytree(BANK, project)
    with (project / "platform.yaml").open("a") as file:
        file.write(more)
    number = layout.make_id(project)
    (folder / "made" / "recovery.key").rename(project / ".tidewright" / "recovery-laptop.key")
    kept.root = kept.root.rename(_above(project / below) / f"bank-laptop-{number}")
    return kept


def _above(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(("more", "below"), [(WHOLE, "backups"), ("", "../backups")])
def test_after_destroy_points_are_listed_and_read(tmp_path: Path, more: str, below: str) -> None:
    kept = destroyed(tmp_path, more, below)
    wish = backup_place.Wish(tmp_path / "bank" / "platform.yaml", None)
    (line,) = backup.listed(wish)
    assert line.id == kept.point.id and not line.problem
    found = backup.verify(wish, "latest", lambda _: None)
    assert found.id == kept.point.id and not found.findings and found.secrets
    assert backup_place.source(wish).key == kept.recovery


def test_what_was_never_started_and_has_no_points_is_said(tmp_path: Path) -> None:
    kept = destroyed(tmp_path, WHOLE, "backups")
    kept.manifest().unlink()
    with pytest.raises(errors.Refused) as caught:
        backup.listed(backup_place.Wish(tmp_path / "bank" / "platform.yaml", None))
    assert caught.value.code == "local.never_up"


def test_without_the_recovery_key_its_absence_is_the_cause(tmp_path: Path) -> None:
    destroyed(tmp_path, WHOLE, "backups")
    key = tmp_path / "bank" / ".tidewright" / "recovery-laptop.key"
    away = key.rename(tmp_path / "safe.key")
    file = tmp_path / "bank" / "platform.yaml"
    with pytest.raises(errors.Refused) as caught:
        backup.verify(backup_place.Wish(file, None), "latest", lambda _: None)
    assert caught.value.code == "backup.no_key"
    assert backup.verify(backup_place.Wish(file, None, key=away), "latest", lambda _: None).secrets


def test_a_place_that_is_named_needs_no_file_and_a_key(tmp_path: Path) -> None:
    kept = made.keep(tmp_path)
    wish = backup_place.Wish(tmp_path / "nowhere", None, source=str(kept.root))
    with pytest.raises(errors.Refused) as caught:
        backup.listed(wish)
    assert caught.value.code == "backup.no_key"
    key = tmp_path / "recovery.key"
    wish = backup_place.Wish(tmp_path / "nowhere", None, source=str(kept.root), key=key)
    assert [line.id for line in backup.listed(wish)] == [kept.point.id]
    kept.blob("PG_VERSION").write_bytes(b"")
    found = backup.verify(wish, kept.point.id, lambda _: None)
    assert [f.code for f in found.findings] == ["backup.damaged"]
