"""Links, sessions and secrets at the console's door."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright.operations import console_keys
from tidewright.vault import files as vault

NOW = 1_800_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    vault.write(tmp_path / "secrets", "console", "first")
    return tmp_path / "secrets"


def ticket(folder: Path, now: float = NOW) -> str:
    return console_keys.link(folder, 8080, now).partition("?token=")[2]


def test_a_ticket_works_once(folder: Path) -> None:
    keys, made = console_keys.Keys(folder), ticket(folder)
    assert [keys.redeem(made, NOW) for _ in range(2)] == [True, False]


def test_a_ticket_ends_after_a_quarter_of_an_hour(folder: Path) -> None:
    keys = console_keys.Keys(folder)
    assert keys.redeem(ticket(folder), NOW + 899)
    assert not keys.redeem(ticket(folder), NOW + 901)


@pytest.mark.parametrize("offered", ["", ".", "x", "1.2.3", "99999999999.n.", "nan.n.m", "é.é.é"])
def test_nonsense_is_no_ticket_and_no_session(folder: Path, offered: str) -> None:
    keys = console_keys.Keys(folder)
    assert not keys.redeem(offered) and not keys.admits(offered)


def test_a_changed_ticket_and_a_session_as_ticket_are_refused(folder: Path) -> None:
    keys, made = console_keys.Keys(folder), ticket(folder)
    later = f"{int(made.partition('.')[0]) + 1}.{made.partition('.')[2]}"
    assert not keys.redeem(later, NOW)
    assert not keys.redeem(keys.session(NOW), NOW) and not keys.admits(made, NOW)


def test_a_session_lasts_a_week_and_survives_a_restart(folder: Path) -> None:
    session = console_keys.Keys(folder).session(NOW)
    assert console_keys.Keys(folder).admits(session, NOW + 6 * 86_400)
    assert not console_keys.Keys(folder).admits(session, NOW + 8 * 86_400)


def test_rotation_ends_everything_at_once(folder: Path) -> None:
    keys, made = console_keys.Keys(folder), ticket(folder)
    session = keys.session(NOW)
    vault.write(folder, "console", "second")
    assert not keys.redeem(made, NOW) and not keys.admits(session, NOW)
    assert not keys.opens("console", "first") and keys.opens("console", "second")


def test_no_secret_no_entry(tmp_path: Path) -> None:
    keys = console_keys.Keys(tmp_path)
    assert not keys.opens("console", "") and not keys.redeem("9.n.m") and not keys.admits("9.m")


def test_the_secret_is_in_no_link_and_no_session(folder: Path) -> None:
    assert "first" not in console_keys.link(folder, 8080) + console_keys.Keys(folder).session()
