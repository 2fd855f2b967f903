"""Before engines start: memory is counted first, then each program and each Java is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.assemble import build
from tidewright.model import components
from tidewright.model import platform as nouns
from tidewright.operations import programs
from tidewright.spec import load

ROOT = Path(__file__).parents[3]


@pytest.fixture
def native() -> nouns.Platform:
    return build.build(load.load(ROOT / "tests" / "cases" / "bank-native" / "platform.yaml"))


@pytest.fixture
def had(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    def install(program: components.Program, say: programs.Say) -> None:
        found.append(program.name)

    monkeypatch.setattr(programs.clients, "install", install)
    monkeypatch.setattr(programs.jdk, "ensure", lambda java, say: found.append(java.name))
    return found


def test_every_program_and_each_java_once(native: nouns.Platform, had: list[str]) -> None:
    programs.ensure(native, lambda line: None, running=True)
    assert sorted(had) == sorted(
        ["jdk-21", "jdk-25", "kafka", "connect", "s3proxy", "flink", "trino"]
    )


def test_too_little_memory_is_said_with_what_each_wants(
    native: nouns.Platform, had: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs.machine, "free_mb", lambda: 2000)
    with pytest.raises(errors.Refused) as caught:
        programs.ensure(native, lambda line: None, running=False)
    assert caught.value.finding.code == "local.memory" and had == []
    assert "Trino 476 1100 MB" in str(caught.value) and "2000 MB are free" in str(caught.value)
    programs.ensure(native, lambda line: None, running=True)
    assert had


def test_the_laptop_needs_none(had: list[str]) -> None:
    laptop = build.build(load.load(ROOT / "examples" / "bank-cdc" / "platform.yaml"))
    programs.ensure(laptop, lambda line: None, running=False)
    assert had == []
