"""Secrets as owner-only files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.vault import files as vault


def test_makes_a_secret_once_and_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    made = vault.generate(folder, "marts-owner")
    assert len(made) == 32
    assert vault.generate(folder, "marts-owner") == vault.read(folder, "marts-owner") == made
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "marts-owner").stat().st_mode & 0o777 == 0o600
    assert vault.names(folder) == ("marts-owner",)


def test_missing_one_says_how_to_store_it(tmp_path: Path) -> None:
    with pytest.raises(errors.Refused, match="connect --set-secret bank_url") as caught:
        vault.read(tmp_path, "bank_url")
    assert caught.value.code == "vault.missing"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_refuses_what_others_may_read(tmp_path: Path, mode: int) -> None:
    vault.write(tmp_path, "a", "hidden-value")
    (tmp_path / "a").chmod(mode)
    with pytest.raises(errors.Refused) as caught:
        vault.read(tmp_path, "a")
    assert caught.value.code == "vault.unsafe"
    assert "hidden-value" not in str(caught.value)


def test_refuses_a_link(tmp_path: Path) -> None:
    vault.write(tmp_path, "a", "x")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(errors.Refused) as caught:
        vault.read(tmp_path, "b")
    assert caught.value.code == "vault.unsafe"


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a" * 64, "a\n"])
def test_refuses_names_that_are_no_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.Refused) as caught:
        vault.write(tmp_path, name, "x")
    assert caught.value.code == "vault.name"
