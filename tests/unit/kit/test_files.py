"""Atomic, private files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright.kit import files


def test_replaces_content_and_mode(tmp_path: Path) -> None:
    place = tmp_path / "a"
    files.replace(place, "old")
    files.replace_private(place, b"new")
    assert place.read_bytes() == b"new"
    assert place.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a"
    files.replace(place, "old")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        files.replace(place, "new")
    assert place.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_replaces_a_link_instead_of_following_it(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("mine")
    link.symlink_to(victim)
    files.replace(link, "new")
    assert victim.read_text() == "mine"
    assert not link.is_symlink()


def test_narrows_a_folder_that_is_too_open(tmp_path: Path) -> None:
    folder = tmp_path / "x" / "y"
    folder.mkdir(parents=True, mode=0o755)
    folder.chmod(0o755)
    assert files.private_folder(folder).stat().st_mode & 0o777 == 0o700


def test_a_link_out_of_a_folder_is_not_inside(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "way-out").symlink_to(tmp_path)
    assert files.is_inside(inner / "file", inner)
    assert not files.is_inside(inner / "way-out" / "file", inner)
