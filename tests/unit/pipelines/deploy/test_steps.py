"""Each step of a deployment: what it makes, and what it says when it cannot."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from confluent_kafka import KafkaError, KafkaException

from tidewright import errors
from tidewright.clients import rest
from tidewright.model import flow as flows
from tidewright.model import native, values
from tidewright.pipelines.deploy import bucket, connector, deployed, source, topics
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def job(
    database: psycopg.Connection[Any], postgres: TempPostgres, tmp_path: Path
) -> native.DeployJob:
    vault.write(tmp_path, "pw", postgres.password)
    vault.write(tmp_path, "key", "k")
    at = flows.Connection(
        "127.0.0.1", postgres.port, database.info.dbname, "postgres", values.Secret("pw")
    )
    return native.DeployJob(
        name="bank",
        source=flows.PostgresSource("bank", at, "pub", "slot", True),
        owner=at,
        capture=flows.Capture("bank", ("public.t",), "raw_data"),
        catalog=at,
        objects=native.Objects(NOWHERE, "b", "key", values.Secret("key")),
        brokers="127.0.0.1:9",
        connect=NOWHERE,
        flink=NOWHERE,
        sql=NOWHERE,
        deployed=str(tmp_path / "tables.json"),
        script=str(tmp_path / "job.sql"),
        password="${file:x:bank}",
        partitions=10,
        replication=1,
        in_sync=1,
        secrets=str(tmp_path),
        status=str(tmp_path / "status.json"),
    )


def test_a_table_is_made_ready_for_a_changelog(
    job: native.DeployJob, database: psycopg.Connection[Any]
) -> None:
    database.execute("create table t (id int primary key, a text, b int)")
    said: list[str] = []
    (found,) = source.tables_of(job, said.append)
    assert (found.name, found.key, found.raw) == ("public.t", ("id",), ("id",))
    assert [c.name for c in found.columns] == ["id", "a", "b"]
    assert said == ["table public.t: replica identity full"]
    row = database.execute("select relreplident from pg_class where relname = 't'").fetchone()
    assert row is not None and row[0] in ("f", b"f")
    said.clear()
    source.tables_of(job, said.append)
    assert said == []


def test_a_table_without_a_key_is_refused(
    job: native.DeployJob, database: psycopg.Connection[Any]
) -> None:
    database.execute("create table t (id int)")
    with pytest.raises(errors.Refused) as caught:
        source.tables_of(job, lambda line: None)
    assert caught.value.finding.code == "source.table_unfit"
    assert "primary key" in str(caught.value)


def test_a_table_is_waited_for_and_then_missed(
    job: native.DeployJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PATIENCE", 0.2)
    monkeypatch.setattr(source, "EVERY", 0.05)
    said: list[str] = []
    with pytest.raises(errors.Refused) as caught:
        source.tables_of(job, said.append)
    assert caught.value.finding.code == "source.table_missing"
    assert said == ["table public.t: waiting until it is there"]


def test_another_form_of_a_table_is_refused_before_anything_changes(
    job: native.DeployJob, database: psycopg.Connection[Any], tmp_path: Path
) -> None:
    database.execute("create table t (id int primary key)")
    file = Path(str(job.deployed))
    before = source.tables_of(job, lambda line: None)
    deployed.refuse_another(file, before, "raw")
    deployed.remember(file, before, "raw")
    deployed.refuse_another(file, before, "raw")
    database.execute("alter table t add column more text")
    with pytest.raises(errors.Refused) as caught:
        deployed.refuse_another(file, source.tables_of(job, lambda line: None), "raw")
    assert caught.value.finding.code == "source.tables_changed" and "public.t" in str(caught.value)


class Admin:
    """Stands for the broker: answers each topic with what the test says."""

    answers: ClassVar[dict[str, KafkaError | None]] = {}
    wanted: ClassVar[list[Any]] = []

    def __init__(self, conf: dict[str, str]) -> None:
        pass

    def create_topics(self, wanted: list[Any], request_timeout: float) -> dict[str, Future[None]]:
        type(self).wanted = wanted
        done: dict[str, Future[None]] = {}
        for topic in wanted:
            done[topic.topic] = Future()
            answer = self.answers.get(topic.topic)
            if answer is None:
                done[topic.topic].set_result(None)
            else:
                done[topic.topic].set_exception(KafkaException(answer))
        return done


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> type[Admin]:
    class Mine(Admin):
        answers: ClassVar[dict[str, KafkaError | None]] = {}

    monkeypatch.setattr(topics, "AdminClient", Mine)
    return Mine


def test_topics_are_made_once(job: native.DeployJob, admin: type[Admin]) -> None:
    admin.answers["b"] = KafkaError(KafkaError.TOPIC_ALREADY_EXISTS)
    assert topics.ensure(job, {"a": 1, "b": 10}) == "topics: a created"
    admin.answers["a"] = KafkaError(KafkaError.TOPIC_ALREADY_EXISTS)
    assert topics.ensure(job, {"a": 1, "b": 10}) == "topics: as they should be"


def test_a_topic_that_the_broker_refuses_is_named(
    job: native.DeployJob, admin: type[Admin]
) -> None:
    admin.answers["a"] = KafkaError(KafkaError.INVALID_REPLICATION_FACTOR)
    with pytest.raises(errors.StepFailed) as caught:
        topics.ensure(job, {"a": 1})
    assert caught.value.finding.code == "topic.not_made" and "topic a" in str(caught.value)


def test_a_store_that_is_away_is_said(job: native.DeployJob) -> None:
    with pytest.raises(errors.StepFailed) as caught:
        bucket.ensure(job.objects, str(job.secrets))
    assert caught.value.finding.code == "lake.bucket"


# -- the connector ---------------------------------------------------------------------------------


class Connect(http.server.BaseHTTPRequestHandler):
    """Keeps configurations as Connect does; refuses where the test says so."""

    kept: dict[str, dict[str, str]]
    puts: list[str]
    refuses = ""

    def do_GET(self) -> None:
        found = self.kept.get(self.path)
        self._answer(404 if found is None else 200, found or {"message": "none"})

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.refuses:
            self._answer(400, {"message": self.refuses})
            return
        self.puts.append(self.path)
        self.kept[self.path] = {**body, "name": "bank"}
        self._answer(200, {})

    def _answer(self, code: int, body: object) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def connect(job: native.DeployJob) -> Iterator[tuple[type[Connect], native.DeployJob]]:
    class Mine(Connect):
        kept: ClassVar[dict[str, dict[str, str]]] = {}
        puts: ClassVar[list[str]] = []

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Mine, replace(job, connect=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def test_a_connector_is_put_only_when_it_differs(
    connect: tuple[type[Connect], native.DeployJob],
) -> None:
    there, job = connect
    assert connector.put(job, ["public.t"]) == "connector bank: created"
    assert connector.put(job, ["public.t"]) == "connector bank: as it should be"
    assert connector.put(job, ["public.t", "public.u"]) == "connector bank: changed"
    assert len(there.puts) == 2
    assert there.kept["/connectors/bank/config"]["database.password"] == "${file:x:bank}"


def test_what_connect_refuses_is_said_in_its_words(
    connect: tuple[type[Connect], native.DeployJob],
) -> None:
    there, job = connect
    there.refuses = "the source cannot be reached"
    with pytest.raises(errors.StepFailed) as caught:
        connector.put(job, ["public.t"])
    assert caught.value.finding.code == "local.engine_refused"
    assert "the source cannot be reached" in str(caught.value)


def test_an_engine_that_is_away_is_said() -> None:
    with pytest.raises(errors.StepFailed) as caught:
        rest.get(f"{NOWHERE}/x")
    assert caught.value.finding.code == "local.engine_silent"
