"""Keys are made once, belong to their owner alone, and say nothing when they are printed."""

from __future__ import annotations

from pathlib import Path

from tidewright.vault import sealing


def test_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    key = tmp_path / "recovery.key"
    maker, made = sealing.maker(tmp_path / "secrets", key, "bank/laptop")
    again, made_again = sealing.maker(tmp_path / "secrets", key, "bank/laptop")
    assert (made, made_again) == (True, False) and maker.fingerprint == again.fingerprint
    assert key.stat().st_mode & 0o077 == 0
    recovery = sealing.read(key)
    assert recovery.checker.fingerprint == maker.fingerprint
    assert recovery.open(maker.seal(b"x")) == b"x"
    assert sealing.own_checker(tmp_path / "secrets") == recovery.checker


def test_an_older_recovery_key_is_never_lost(tmp_path: Path) -> None:
    key = tmp_path / "recovery.key"
    old, _ = sealing.maker(tmp_path / "one", key, "bank/laptop")
    new, _ = sealing.maker(tmp_path / "two", key, "bank/laptop")
    kept = tmp_path / f"recovery.{old.fingerprint}.key"
    assert sealing.read(kept).open(old.seal(b"x")) == b"x"
    assert sealing.read(key).checker.fingerprint == new.fingerprint


def test_the_machine_cannot_open_what_it_sealed(tmp_path: Path) -> None:
    key = tmp_path / "recovery.key"
    maker, _ = sealing.maker(tmp_path / "secrets", key, "bank/laptop")
    identity = sealing.read(key).identity
    stored = [f.read_text() for f in (tmp_path / "secrets").iterdir()]
    assert not any(identity in text for text in stored)
    assert identity not in repr(sealing.read(key)) + repr(maker)


def test_a_signature_is_of_exactly_this_text(tmp_path: Path) -> None:
    maker, _ = sealing.maker(tmp_path / "secrets", tmp_path / "key", "bank/laptop")
    checker = sealing.Checker(maker.public)
    signature = maker.sign(b"text")
    assert checker.genuine(b"text", signature)
    assert not checker.genuine(b"texT", signature)
    assert not checker.genuine(b"text", "no signature") and not checker.genuine(b"text", "")
