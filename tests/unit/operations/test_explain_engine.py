"""``explain ENGINE``: guides, corrections, programs, settings without a secret's value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.components.kafka import settings
from tidewright.operations import explain_engine

BANK = Path(__file__).parents[3] / "examples" / "bank-cdc"
ENGINES = ("connect", "flink", "kafka", "objects", "trino")


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_says_its_guides_and_corrections(name: str) -> None:
    found = explain_engine.explain_engine(name, BANK, "native")
    assert found.guides and set(found.guides) <= {"000", "001", "002", "003", "004"}
    assert all(one.startswith("X-") for one in found.corrections) and found.corrections
    assert found.programs and found.java and found.services and found.memory_mb


def test_every_setting_of_the_broker_is_shown() -> None:
    found = explain_engine.explain_engine("kafka", BANK, "native")
    (broker,) = (s.text for s in found.settings if s.file.endswith("server.properties"))
    for key, value in settings.settings(1).items():
        assert f"\n{key}={value}\n" in f"\n{broker}\n"
    assert "<port of kafka.broker>" in broker


def test_a_secret_is_a_name() -> None:
    found = explain_engine.explain_engine("objects", BANK, "native")
    assert any("s3proxy.credential=<secret objects-secret>" in s.text for s in found.settings)
    flink = explain_engine.explain_engine("flink", BANK, "native")
    assert {s.file.partition("/")[0] for s in flink.settings} == {"jobmanager", "taskmanager"}


def test_one_that_is_not_there_is_said() -> None:
    with pytest.raises(errors.SpecError, match="kafka does not run in laptop") as caught:
        explain_engine.explain_engine("kafka", BANK, "laptop")
    assert caught.value.code == "cli.not_there"
    assert "postgres" in caught.value.findings[0].hint


def test_every_component_can_be_asked_for() -> None:
    assert {*ENGINES, "postgres", "refresh"} <= set(explain_engine.engine_names())
