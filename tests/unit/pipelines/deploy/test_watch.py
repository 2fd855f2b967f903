"""After the deployment: what is said of the connector, and how the tables are cared for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.pipelines.deploy import test_steps as steps

from tidewright.clients import rest, trino
from tidewright.model import native
from tidewright.pipelines.deploy import beat, care, connector

job = steps.job
TRACE = "org.x.ConnectException: it ended\n\tat org.x.Y\nCaused by: java.io.IOException: no route\n"


def told(*tasks: dict[str, str], connector: str = "RUNNING") -> dict[str, Any]:
    return {"name": "bank", "connector": {"state": connector}, "tasks": list(tasks)}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (told({"state": "RUNNING"}), ""),
        (told(), "Debezium is running"),
        (told({"state": "UNASSIGNED"}), "Debezium is running, unassigned"),
        (None, "Debezium is not there"),
    ],
)
def test_a_connector_is_well_when_its_task_runs(
    job: native.DeployJob, monkeypatch: pytest.MonkeyPatch, answer: Any, words: str
) -> None:
    monkeypatch.setattr(rest, "get", lambda url: answer)
    monkeypatch.setattr(rest, "post", lambda url: pytest.fail("nothing has failed"))
    assert connector.state(job) == words


def test_a_failed_task_is_started_again_and_its_cause_is_said(
    job: native.DeployJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[str] = []
    monkeypatch.setattr(rest, "get", lambda url: told({"state": "FAILED", "trace": TRACE}))
    monkeypatch.setattr(rest, "post", posted.append)
    assert connector.state(job).endswith("Caused by: java.io.IOException: no route")
    assert posted == [f"{job.connect}/connectors/bank/restart?includeTasks=true&onlyFailed=true"]


def test_every_table_is_cared_for_when_it_is_due(
    job: native.DeployJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "EVERY", 0.0)
    said: list[str] = []
    asked: list[str] = []

    def ask(url: str, query: str) -> None:
        asked.append(query)
        if "optimize" in query:
            raise trino.Refused("a commit came first")

    care.Care(job, said.append, ask).when_due()
    tables = {query.split()[2] for query in asked}
    assert tables == {'"public"."t"', '"raw_data"."t"'} and len(asked) == 4
    assert len(said) == 2 and "a commit came first" in said[0]


def test_nothing_is_done_before_it_is_due(job: native.DeployJob) -> None:
    care.Care(job, pytest.fail, lambda url, query: pytest.fail(query)).when_due()


def test_the_log_has_each_word_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "status.json"
    voice = beat.Beat(file)
    assert not json.loads(file.read_text())["healthy"]
    voice.ill("away")
    voice.ill("away")
    assert json.loads(file.read_text())["message"] == "away"
    voice.well("all is well")
    assert json.loads(file.read_text())["healthy"]
    assert capsys.readouterr().out == "away\nall is well\n"
