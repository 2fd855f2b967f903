import sys

import pytest

from tidewright import errors
from tidewright.operations import extras


def test_every_extra_has_a_lock_with_hashes_and_no_address():
    for name in extras.EXTRAS:
        text = (extras.LOCKS / f"{name}.txt").read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_a_failed_installation_says_why(monkeypatch):
    broken = [sys.executable, "-c", "import sys; print('no such index'); sys.exit(1)"]
    monkeypatch.setattr(extras, "_installer", lambda name: broken)
    said: list[str] = []
    with pytest.raises(errors.StepFailed) as caught:
        extras._install("delta", extras.EXTRAS["delta"], said.append)
    assert caught.value.code == "local.extra_failed"
    assert "no such index" in caught.value.what
    assert said


def test_without_pip_and_uv_nothing_can_be_installed(monkeypatch):
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(extras.shutil, "which", lambda name: None)
    with pytest.raises(errors.Unsupported) as caught:
        extras._installer("delta")
    assert caught.value.code == "local.no_installer"
