"""Kafka that is not there is said in words, and tried again by whoever asked."""

from __future__ import annotations

import pytest

from tidewright import errors
from tidewright.pipelines.record import following
from tidewright.pipelines.record.boundaries import Boundaries


def test_a_broker_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "SECONDS", 0.2)
    with pytest.raises(errors.StepFailed) as refused:
        following.Following("127.0.0.1:9", {"a.b": "b"}, "a.transaction", {}, Boundaries())
    assert refused.value.finding.code == "topic.not_read"
    assert "Kafka could not be read" in str(refused.value)
