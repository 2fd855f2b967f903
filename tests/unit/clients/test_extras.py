"""Installing packages apart: what is there, what fails, and what is made anew."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.clients import extras
from tidewright.model import components


@pytest.fixture
def extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> components.Extra:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lock = tmp_path / "requirements.lock"
    lock.write_text("")
    return components.Extra("toy", "The toy", lock, 1, 1, 1, (sys.version_info[1],))


def test_it_is_installed_once_and_found_again(extra: components.Extra) -> None:
    said: list[str] = []
    assert extras.missing(extra)
    extras.install(extra, said.append)
    assert "at most 1 MB to fetch" in said[0]
    assert not extras.missing(extra) and extras.python(extra).exists()
    said.clear()
    extras.install(extra, said.append)
    assert said == []


def test_another_lock_is_another_folder(extra: components.Extra) -> None:
    before = extras.home(extra)
    extra.lock.write_text("# other\n")
    assert extras.home(extra) != before


@pytest.mark.heavy  # another virtual environment, with pip
def test_what_was_interrupted_is_made_anew(extra: components.Extra) -> None:
    half = extras.home(extra) / "half"
    half.mkdir(parents=True)
    assert extras.missing(extra)
    extras.install(extra, lambda line: None)
    assert not half.exists() and not extras.missing(extra)


@pytest.mark.heavy  # another virtual environment, with pip
def test_a_package_that_is_nowhere_is_said_with_pips_words(extra: components.Extra) -> None:
    extra.lock.write_text(f"tidewright-no-such-package==1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(errors.StepFailed) as caught:
        extras.install(extra, lambda line: None)
    assert caught.value.finding.code == "local.extra_failed"
    assert "tidewright-no-such-package" in caught.value.finding.what
    assert extras.missing(extra)


def test_no_python_that_fits_is_said(
    extra: components.Extra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    old = components.Extra("toy", "The toy", extra.lock, 1, 1, 1, (6,))
    with pytest.raises(errors.Unsupported) as caught:
        extras.install(old, lambda line: None)
    assert caught.value.finding.code == "local.extra_python"


def test_a_full_disk_is_said_before(extra: components.Extra) -> None:
    large = components.Extra("toy", "The toy", extra.lock, 1, 10**12, 1, extra.pythons)
    with pytest.raises(errors.Refused) as caught:
        extras.install(large, lambda line: None)
    assert caught.value.finding.code == "local.disk_full"
